import { useEffect, useMemo, useRef, useState, type MouseEvent, type RefObject } from "react";
import { AgentName } from "~/design/AgentName";
import { agentHue } from "~/design/agentColor";
import { classes } from "~/design/classes";
import { useNow } from "~/design/now";
import { clock, duration, shortClock } from "~/design/time";
import type { Agent } from "~/live/documents";
import { lanesOf, type Arrow, type Lane } from "./model/lanes";
import { ticks } from "./model/ticks";
import type { Reading } from "./useConversation";
import * as texts from "~/texts";

const LANE_PX = 26;
const AXIS_PX = 20;
const LEAST_SPAN_MS = 5_000;

const RANGES = [
  { name: texts.session.minute, ms: 60_000 },
  { name: texts.session.tenMinutes, ms: 600_000 },
  { name: texts.session.hour, ms: 3_600_000 },
  { name: texts.session.all, ms: null },
] as const;

/** Who worked when, and whose message made whom work: a lane for each, with arrows between them. */
export function Timeline({ reading, agents }: { reading: Reading; agents: readonly Agent[] }) {
  const [range, setRange] = useState<(typeof RANGES)[number]["name"]>(texts.session.all);
  const { lanes, arrows, span } = useMemo(
    () =>
      lanesOf(
        reading.entries,
        agents.map((agent) => agent.name),
      ),
    [reading.entries, agents],
  );
  const running = lanes.some((lane) => lane.bars.some((bar) => bar.to === null));
  const now = useNow();
  if (!span || lanes.length === 0) return null;
  const ms = RANGES.find((one) => one.name === range)?.ms ?? null;
  const end = running ? Math.max(now, span[1]) : span[1];
  const begin = ms === null ? span[0] : end - ms;
  const margin = Math.max(LEAST_SPAN_MS, end - begin) * 0.02;
  return (
    <section
      aria-label={texts.session.timeline}
      className="flex shrink-0 flex-col border-t border-line lg:max-h-[38%]"
    >
      <header className="flex h-9 shrink-0 items-center gap-2 px-4">
        <h2 className="text-xs text-faint">{texts.session.timeline}</h2>
        <div role="group" aria-label={texts.session.howFar} className="ml-auto flex gap-0.5">
          {RANGES.map(({ name }) => (
            <button
              key={name}
              type="button"
              aria-pressed={name === range}
              onClick={() => setRange(name)}
              className={classes(
                "h-6 rounded px-1.5 text-2xs tabular-nums pointer-coarse:h-10 pointer-coarse:px-3",
                name === range ? "bg-active text-text" : "text-faint hover:text-text",
              )}
            >
              {name}
            </button>
          ))}
        </div>
      </header>
      <div className="flex min-h-0 overflow-y-auto px-4 pb-3">
        <ul className="w-20 shrink-0 sm:w-28" aria-hidden="true">
          {lanes.map((lane) => (
            <li
              key={`${lane.isAgent} ${lane.name}`}
              className="flex items-center pr-2 text-xs"
              style={{ height: LANE_PX }}
            >
              <span className="truncate">{lane.isAgent ? <AgentName name={lane.name} /> : lane.name}</span>
            </li>
          ))}
        </ul>
        <Chart
          lanes={lanes}
          arrows={arrows}
          from={begin - margin}
          to={Math.max(end, begin + LEAST_SPAN_MS) + margin}
          now={now}
        />
      </div>
    </section>
  );
}

interface ChartProps {
  lanes: readonly Lane[];
  arrows: readonly Arrow[];
  from: number;
  to: number;
  now: number;
}

function Chart({ lanes, arrows, from, to, now }: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const height = lanes.length * LANE_PX;
  const x = (at: number) => ((at - from) / (to - from)) * width;
  const middle = (lane: number) => lane * LANE_PX + LANE_PX / 2;
  return (
    <div ref={box} className="min-w-0 flex-1">
      <svg
        width={width}
        height={height + AXIS_PX}
        role="group"
        aria-label={texts.session.timelineSays(lanes.length, arrows.length)}
        className="block"
      >
        {ticks(from, to, Math.max(2, width / 90)).map((at) => (
          <g key={at}>
            <line x1={x(at)} x2={x(at)} y1={0} y2={height} className="stroke-line" />
            <text x={x(at)} y={height + 14} textAnchor="middle" className="fill-faint text-2xs tabular-nums">
              {to - from < 600_000 ? clock(at) : shortClock(at)}
            </text>
          </g>
        ))}
        {lanes.map((lane, index) => (
          <g key={`${lane.isAgent} ${lane.name}`} data-hue={agentHue(lane.name)}>
            <line x1={0} x2={width} y1={middle(index)} y2={middle(index)} className="stroke-line" />
            {lane.bars
              .filter((bar) => (bar.to ?? now) >= from)
              .map((bar) => {
                const left = Math.max(0, x(bar.from));
                const words = `${lane.name}, ${clock(bar.from)}, ${duration((bar.to ?? now) - bar.from)}${bar.outcome ? `, ${bar.outcome}` : ""}`;
                return (
                  <a
                    key={bar.key}
                    href={`#entry-${bar.key}`}
                    tabIndex={-1}
                    aria-label={words}
                    onClick={jump(bar.key)}
                  >
                    <title>{words}</title>
                    <rect
                      x={left}
                      y={middle(index) - 7}
                      width={Math.max(4, x(bar.to ?? now) - left)}
                      height={14}
                      rx={4}
                      className={classes(
                        "agent-bar",
                        bar.outcome === "failed" && "agent-bar-failed",
                        bar.to === null && "animate-breathe",
                      )}
                    />
                  </a>
                );
              })}
          </g>
        ))}
        {arrows
          .filter((arrow) => arrow.arrivedAt >= from)
          .map((arrow) => (
            <ArrowLine key={`${arrow.key} ${arrow.to}`} arrow={arrow} x={x} middle={middle} />
          ))}
      </svg>
    </div>
  );
}

interface ArrowLineProps {
  arrow: Arrow;
  x: (at: number) => number;
  middle: (lane: number) => number;
}

function ArrowLine({ arrow, x, middle }: ArrowLineProps) {
  const down = arrow.to > arrow.from;
  const [x1, x2] = [x(arrow.sentAt), x(arrow.arrivedAt)];
  const [y1, y2] = [middle(arrow.from), middle(arrow.to) + (down ? -8 : 8)];
  const bend = (y2 - y1) / 2;
  return (
    <g className={arrow.delivered ? "text-faint" : "text-bad"}>
      <path
        d={`M${x1} ${y1}C${x1} ${y1 + bend} ${x2} ${y2 - bend} ${x2} ${y2}`}
        fill="none"
        stroke="currentColor"
        strokeWidth="1.2"
        {...(!arrow.delivered && { strokeDasharray: "3 3" })}
      />
      <circle cx={x1} cy={y1} r="2" fill="currentColor" />
      <path d={`M${x2} ${y2}l-3 ${down ? -5 : 5}h6z`} fill="currentColor" />
    </g>
  );
}

function jump(key: string) {
  return (event: MouseEvent) => {
    event.preventDefault();
    document.getElementById(`entry-${key}`)?.scrollIntoView({ block: "center" });
  };
}

function useWidth(box: RefObject<HTMLDivElement | null>): number {
  const [width, setWidth] = useState(600);
  useEffect(() => {
    if (!box.current) return;
    const sized = new ResizeObserver(([entry]) => entry && setWidth(Math.floor(entry.contentRect.width)));
    sized.observe(box.current);
    return () => sized.disconnect();
  }, [box]);
  return width;
}
