import "uplot/dist/uPlot.min.css";
import { useEffect, useRef, useState } from "react";
import uPlot from "uplot";
import { monthAndDay } from "~/design/time";
import * as texts from "~/texts";

/** One part of the bars. */
export interface Series {
  readonly title: string;
  /** The design's variable of its colour. */
  readonly color: string;
  /** Where its part of each bar ends. */
  readonly tops: readonly number[];
  readonly values: readonly number[];
}

interface DayChartProps {
  title: string;
  /** `2026-01-31`, in UTC. */
  days: readonly string[];
  /** The lowest part first. */
  series: readonly Series[];
  shown: (value: number) => string;
}

const HEIGHT_PX = 200;

/** Bars of days. A table says the same to those who do not see it. */
export function DayChart({ title, days, series, shown }: DayChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const [pointed, setPointed] = useState<number | null>(null);
  const latest = useRef({ days, series, shown });
  useEffect(() => {
    latest.current = { days, series, shown };
  });
  const signature = JSON.stringify([days, series.map((one) => one.values)]);
  useEffect(() => {
    const place = box.current;
    if (!place) return;
    const draw = () => plot(place, latest.current, setPointed);
    let chart = draw();
    const themed = new MutationObserver(() => {
      chart.destroy();
      chart = draw();
    });
    themed.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    const resized = new ResizeObserver(() => chart.setSize({ width: place.clientWidth, height: HEIGHT_PX }));
    resized.observe(place);
    return () => {
      themed.disconnect();
      resized.disconnect();
      chart.destroy();
    };
  }, [signature]);

  const at = pointed ?? days.length - 1;
  return (
    <div>
      <div ref={box} role="img" aria-label={texts.usage.chartSays(title)} className="h-50 w-full" />
      <ul className="flex flex-wrap items-center gap-x-4 gap-y-1 px-2 text-xs text-soft">
        <li className="text-faint tabular-nums">{days[at]}</li>
        {series.map((one) => (
          <li key={one.title} className="flex items-center gap-1.5">
            <span
              aria-hidden="true"
              className="size-2.5 rounded-xs"
              style={{ background: `var(${one.color})` }}
            />
            {one.title}
            <span className="font-medium tabular-nums">{shown(one.values[at] ?? 0)}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}

function plot(
  place: HTMLElement,
  { days, series, shown }: Pick<DayChartProps, "days" | "series" | "shown">,
  point: (at: number | null) => void,
): uPlot {
  const style = getComputedStyle(place);
  const color = (name: string) => style.getPropertyValue(name).trim();
  const axis = {
    stroke: color("--text-faint"),
    font: `11px ${style.fontFamily}`,
    grid: { stroke: color("--line"), width: 1 },
    ticks: { show: false },
  };
  const bars = uPlot.paths.bars?.({ size: [0.7, 48], radius: 0.1 });
  // The highest is drawn first: those that end lower cover it up to where they end.
  const drawn = [...series].reverse();
  const options: uPlot.Options = {
    width: place.clientWidth,
    height: HEIGHT_PX,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
    legend: { show: false },
    cursor: { x: false, y: false, points: { show: false }, drag: { x: false, y: false } },
    scales: {
      x: { time: true, range: edges },
      y: { range: (_, __, most) => [0, most > 0 ? most * 1.08 : 1] },
    },
    axes: [
      { ...axis, grid: { show: false }, size: 28, space: 64, values: (_, ticks) => ticks.map(dayName) },
      { ...axis, size: 64, values: (_, ticks) => ticks.map((value) => shown(value)) },
    ],
    series: [
      {},
      ...drawn.map((one) => ({
        label: one.title,
        fill: color(one.color),
        width: 0,
        points: { show: false },
        ...(bars && { paths: bars }),
      })),
    ],
    hooks: { setCursor: [(chart) => point(chart.cursor.idx ?? null)] },
  };
  const seconds = days.map((day) => Date.parse(day) / 1000);
  return new uPlot(options, [seconds, ...drawn.map((one) => [...one.tops])], place);
}

const HALF_DAY_S = 43_200;

/** Half a day more on each side, so that the first and the last bar are whole. */
function edges(_: uPlot, from: number, to: number): [number, number] {
  return [from - HALF_DAY_S, to + HALF_DAY_S];
}

/** Ticks between days, of short spans, have no name. */
function dayName(seconds: number): string {
  if (seconds % (2 * HALF_DAY_S) !== 0) return "";
  const date = new Date(seconds * 1000);
  return monthAndDay(date.getUTCMonth(), date.getUTCDate());
}
