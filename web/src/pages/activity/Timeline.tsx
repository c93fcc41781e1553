import { memo, useEffect, useMemo, useRef, useState, type MouseEvent, type RefObject } from "react";
import { AgentName } from "~/design/AgentName";
import { agentHue } from "~/design/agentColor";
import { classes } from "~/design/classes";
import { Icon } from "~/design/Icon";
import { useNow } from "~/design/now";
import { clock, duration, moment, shortClock } from "~/design/time";
import type { Agent } from "~/live/documents";
import { lanesOf, type Arrow, type Bar, type Lane, type Wait } from "./model/lanes";
import { ticks } from "./model/ticks";
import type { Entry } from "./model/entries";
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

interface TimelineProps {
  entries: readonly Entry[];
  agents: readonly Agent[];
  /** Be at a place of the conversation. */
  onGo: (cursor: string) => void;
  /** It has the page for itself. */
  alone?: boolean;
}

/**
 * Who of the living worked when, who waited for a person, and whose message made whom work: a lane for each, with arrows
 * between them. A strip, until somebody opens it.
 */
export const Timeline = memo(function Timeline({ entries, agents, onGo, alone = false }: TimelineProps) {
  const [range, setRange] = useState<Range>(texts.session.all);
  const [opened, setOpened] = useState(false);
  const { lanes, arrows, span } = useMemo(() => {
    const living = agents.filter((agent) => !agent.ended);
    return lanesOf(
      entries,
      living.map(({ name }) => name),
    );
  }, [entries, agents]);
  const goesOn = lanes.some(({ bars, waits }) => [...bars, ...waits].some(({ to }) => to === null));
  const now = useNow();
  if (!span || !lanes.some(({ isAgent }) => isAgent)) return null;
  const ms = RANGES.find((one) => one.name === range)?.ms ?? null;
  const end = goesOn ? Math.max(now, span[1]) : span[1];
  const begin = ms === null ? span[0] : end - ms;
  const margin = Math.max(LEAST_SPAN_MS, end - begin) * 0.02;
  return (
    <section
      aria-label={texts.session.timeline}
      className={classes(
        "flex shrink-0 flex-col border-t border-line",
        !alone && (opened ? "max-h-[60%]" : "max-h-33"),
      )}
    >
      <header className="flex h-8 shrink-0 items-center gap-3 px-4">
        <h2 className="text-xs text-faint">
          {alone ? (
            texts.session.timeline
          ) : (
            <button
              type="button"
              aria-expanded={opened}
              onClick={() => setOpened(!opened)}
              className="flex items-center gap-1 rounded hover:text-text"
            >
              <Icon
                name="chevron"
                width="12"
                height="12"
                className={classes("transition-transform", opened && "rotate-90")}
              />
              {texts.session.timeline}
            </button>
          )}
        </h2>
        {lanes.some(({ waits }) => waits.length > 0) && (
          <span className="flex items-center gap-1.5 text-2xs text-faint">
            <span aria-hidden="true" className="size-2.5 rounded-xs bg-warn" />
            {texts.session.waitsForPerson}
          </span>
        )}
        <Ranges range={range} onRange={setRange} />
      </header>
      <div
        // It is scrolled by keyboard too.
        role="group"
        aria-label={texts.session.timeline}
        tabIndex={0}
        className="flex min-h-0 overflow-y-auto px-4 pb-1"
      >
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
          onGo={onGo}
        />
      </div>
    </section>
  );
});

type Range = (typeof RANGES)[number]["name"];

function Ranges({ range, onRange }: { range: Range; onRange: (range: Range) => void }) {
  return (
    <div role="group" aria-label={texts.session.howFar} className="ml-auto flex gap-0.5">
      {RANGES.map(({ name }) => (
        <button
          key={name}
          type="button"
          aria-pressed={name === range}
          onClick={() => onRange(name)}
          className={classes(
            "h-6 rounded px-1.5 text-2xs tabular-nums pointer-coarse:h-10 pointer-coarse:px-3",
            name === range ? "bg-active text-text" : "text-faint hover:text-text",
          )}
        >
          {name}
        </button>
      ))}
    </div>
  );
}

interface ChartProps {
  lanes: readonly Lane[];
  arrows: readonly Arrow[];
  from: number;
  to: number;
  now: number;
  onGo: (cursor: string) => void;
}

function Chart({ lanes, arrows, from, to, now, onGo }: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const height = lanes.length * LANE_PX;
  const x = (at: number) => ((at - from) / (to - from)) * width;
  const middle = (lane: number) => lane * LANE_PX + LANE_PX / 2;
  const marks = ticks(from, to, Math.max(2, width / 90));
  return (
    <div ref={box} className="min-w-0 flex-1">
      <svg
        width={width}
        height={height}
        role="group"
        aria-label={texts.session.timelineSays(lanes.length, arrows.length)}
        className="block"
      >
        {marks.map((at) => (
          <line key={at} x1={x(at)} x2={x(at)} y1={0} y2={height} className="stroke-line" />
        ))}
        {lanes.map((lane, index) => (
          <g key={`${lane.isAgent} ${lane.name}`} data-hue={agentHue(lane.name)}>
            <line x1={0} x2={width} y1={middle(index)} y2={middle(index)} className="stroke-line" />
            {lane.bars
              .filter((bar) => (bar.to ?? now) >= from)
              .map((bar) => (
                <Stretch
                  key={bar.key}
                  stretch={bar}
                  onGo={onGo}
                  words={timesOf(lane.name, bar, now, bar.outcome)}
                  place={{ from: Math.max(0, x(bar.from)), to: x(bar.to ?? now), middle: middle(index) }}
                  className={classes(
                    "agent-bar",
                    bar.outcome === "failed" && "agent-bar-failed",
                    bar.to === null && "animate-breathe",
                  )}
                />
              ))}
            {lane.waits
              .filter((wait) => (wait.to ?? now) >= from)
              .map((wait) => (
                <Stretch
                  key={wait.key}
                  stretch={wait}
                  onGo={onGo}
                  words={timesOf(lane.name, wait, now, texts.session.waitsForPerson)}
                  place={{ from: Math.max(0, x(wait.from)), to: x(wait.to ?? now), middle: middle(index) }}
                  className="fill-warn"
                />
              ))}
          </g>
        ))}
        {arrows
          .filter((arrow) => arrow.arrivedAt >= from)
          .map((arrow) => (
            <ArrowLine key={`${arrow.key} ${arrow.to}`} arrow={arrow} x={x} middle={middle} />
          ))}
      </svg>
      <svg width={width} height={AXIS_PX} aria-hidden="true" className="sticky bottom-0 block bg-surface">
        {marks.map((at) => (
          <text key={at} x={x(at)} y={14} textAnchor="middle" className="fill-faint text-2xs tabular-nums">
            {to - from < 600_000 ? clock(at) : shortClock(at)}
          </text>
        ))}
      </svg>
    </div>
  );
}

interface StretchProps {
  stretch: Bar | Wait;
  onGo: (cursor: string) => void;
  words: string;
  place: { from: number; to: number; middle: number };
  className: string;
}

/** A turn, or a wait within one; a click leads to it in the conversation. */
function Stretch({ stretch: { cursor }, onGo, words, place: { from, to, middle }, className }: StretchProps) {
  return (
    <a
      href={`?entry=${encodeURIComponent(cursor)}`}
      tabIndex={-1}
      aria-label={words}
      onClick={jump(cursor, onGo)}
    >
      <title>{words}</title>
      <rect x={from} y={middle - 7} width={Math.max(4, to - from)} height={14} rx={4} className={className} />
    </a>
  );
}

function timesOf(name: string, { from, to }: Bar | Wait, now: number, how: string | null): string {
  return [name, moment(from), duration((to ?? now) - from), how].filter(Boolean).join(", ");
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

function jump(cursor: string, onGo: (cursor: string) => void) {
  return (event: MouseEvent) => {
    event.preventDefault();
    onGo(cursor);
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
