import { useRef, useState, type KeyboardEvent, type PointerEvent } from "react";
import { classes } from "~/design/classes";
import { grouped } from "~/design/number";
import { clock, dayOrClock, spanWords } from "~/design/time";
import { barAt, spanOfBars, sum, type Bucket } from "./model/buckets";
import type { Span } from "./model/range";
import * as texts from "~/texts";

interface HistogramProps {
  buckets: readonly Bucket[];
  loading: boolean;
  /** A bar or a stretch of bars was chosen. */
  onChoose: (span: Span) => void;
}

/**
 * How many lines there were over time. A click on a bar, or a drag over several, narrows the time; so do the arrow
 * keys, with Shift over several, and Enter.
 */
export function Histogram({ buckets, loading, onChoose }: HistogramProps) {
  const [chosen, setChosen] = useState<{ from: number; to: number } | null>(null);
  const box = useRef<HTMLDivElement>(null);
  const most = Math.max(1, ...buckets.map((bucket) => bucket.count));
  const all = sum(buckets);
  const span = spanOfBars(buckets, 0, buckets.length - 1);
  const stretch = chosen && spanOfBars(buckets, chosen.from, chosen.to);

  const pointedAt = (event: PointerEvent) => {
    const area = event.currentTarget.getBoundingClientRect();
    return barAt(buckets, (event.clientX - area.left) / area.width);
  };
  const choose = () => {
    if (stretch) onChoose(stretch);
    setChosen(null);
  };
  const onKey = (event: KeyboardEvent) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step !== undefined && buckets.length > 0) {
      const to = Math.min(
        Math.max((chosen?.to ?? (step > 0 ? -1 : buckets.length)) + step, 0),
        buckets.length - 1,
      );
      setChosen({ from: event.shiftKey ? (chosen?.from ?? to) : to, to });
    } else if (event.key === "Enter" || event.key === " ") choose();
    else if (event.key === "Escape") setChosen(null);
    else return;
    event.preventDefault();
  };

  return (
    <section aria-label={texts.logs.overTime} className="border-b border-line px-4 pt-3 pb-1">
      <div
        ref={box}
        role="slider"
        tabIndex={0}
        aria-label={texts.logs.chooseTime}
        aria-valuemin={0}
        aria-valuemax={Math.max(buckets.length - 1, 0)}
        aria-valuenow={chosen?.to ?? 0}
        aria-valuetext={
          stretch
            ? told(stretch, sum(stretchOf(buckets, chosen)))
            : span
              ? told(span, all)
              : texts.logs.noLines
        }
        className="relative flex h-20 touch-pan-y items-end gap-px select-none"
        onKeyDown={onKey}
        onBlur={() => setChosen(null)}
        onPointerDown={(event) => {
          if (event.button !== 0 || buckets.length === 0) return;
          event.currentTarget.setPointerCapture(event.pointerId);
          const bar = pointedAt(event);
          setChosen({ from: bar, to: bar });
        }}
        onPointerMove={(event) => {
          if (event.buttons === 0 || !chosen) return;
          setChosen({ from: chosen.from, to: pointedAt(event) });
        }}
        onPointerUp={choose}
        onPointerCancel={() => setChosen(null)}
      >
        {buckets.map((bucket, number) => (
          <Bar key={bucket.from} bucket={bucket} most={most} chosen={isWithin(number, chosen)} />
        ))}
      </div>
      <div className="flex min-h-5 items-center justify-between gap-2 pt-1 text-2xs text-faint tabular-nums">
        <span>{span && edge(span.from, span)}</span>
        <span aria-hidden="true">
          {loading
            ? texts.logs.counting
            : stretch
              ? told(stretch, sum(stretchOf(buckets, chosen)))
              : counts(all)}
        </span>
        <span>{span && edge(span.to, span)}</span>
      </div>
    </section>
  );
}

function Bar({ bucket, most, chosen }: { bucket: Bucket; most: number; chosen: boolean }) {
  const part = (count: number) => (count === 0 ? "0" : `max(2px, ${(count / most) * 100}%)`);
  return (
    <span
      title={told(bucket, bucket)}
      className={classes(
        "flex h-full min-w-0 flex-1 flex-col justify-end rounded-sm hover:bg-hover",
        chosen && "bg-accent-soft",
      )}
    >
      <span className="rounded-t-[1px] bg-bad" style={{ height: part(bucket.failed) }} />
      <span className="bg-accent" style={{ height: part(bucket.count - bucket.failed) }} />
    </span>
  );
}

function isWithin(number: number, chosen: { from: number; to: number } | null): boolean {
  return (
    chosen !== null &&
    number >= Math.min(chosen.from, chosen.to) &&
    number <= Math.max(chosen.from, chosen.to)
  );
}

function stretchOf(
  buckets: readonly Bucket[],
  chosen: { from: number; to: number } | null,
): readonly Bucket[] {
  return buckets.filter((_, number) => isWithin(number, chosen));
}

const HOUR_MS = 3_600_000;

/** Where the bars begin or end: to the second when they span less than an hour. */
function edge(at: number, span: Span): string {
  return span.to - span.from < HOUR_MS ? clock(at) : dayOrClock(at);
}

function counts({ count, failed }: { count: number; failed: number }): string {
  const lines = `${grouped(count)} ${count === 1 ? "line" : "lines"}`;
  return failed > 0 ? texts.logs.linesFailed(lines, grouped(failed)) : lines;
}

function told(span: Span, all: { count: number; failed: number }): string {
  return `${spanWords(span)}: ${counts(all)}`;
}
