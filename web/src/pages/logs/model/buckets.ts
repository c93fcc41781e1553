import type { Span } from "./range";

/** How many lines fall in a span of time, as the broker counts them; empty spans are left out. */
export interface Counted {
  readonly at: string;
  readonly spanMs: number;
  readonly count: number;
  readonly failed: number;
}

/** One bar of the histogram. */
export interface Bucket extends Span {
  readonly count: number;
  readonly failed: number;
}

/** More bars than this cannot be told apart. */
const MOST = 240;

/** All spans in order, empty ones too; they reach over `span` where it is known. */
export function filled(counted: readonly Counted[], span: Span | null): Bucket[] {
  const [first] = counted;
  const last = counted.at(-1);
  if (!first || !last || first.spanMs <= 0) return [];
  const step = first.spanMs;
  const begin = Date.parse(first.at);
  const from = span ? begin - Math.max(0, Math.floor((begin - span.from) / step)) * step : begin;
  const to = Math.max(Date.parse(last.at) + step, span?.to ?? 0);
  const bars = Math.min(Math.ceil((to - from) / step), MOST);
  const found = new Map(counted.map((one) => [Math.round((Date.parse(one.at) - from) / step), one]));
  return Array.from({ length: bars }, (_, number) => ({
    from: from + number * step,
    to: from + (number + 1) * step,
    count: found.get(number)?.count ?? 0,
    failed: found.get(number)?.failed ?? 0,
  }));
}

/** The span from one bar to another, in whichever order they were pointed at. */
export function spanOfBars(buckets: readonly Bucket[], one: number, other: number): Span | null {
  const from = buckets[Math.min(one, other)];
  const to = buckets[Math.max(one, other)];
  return from && to ? { from: from.from, to: to.to } : null;
}

/** Which bar lies at a part of the whole width, 0 to 1. */
export function barAt(buckets: readonly Bucket[], part: number): number {
  return Math.min(Math.max(Math.floor(part * buckets.length), 0), buckets.length - 1);
}

/** How many lines there are in all. */
export function sum(buckets: readonly Bucket[]): { count: number; failed: number } {
  return buckets.reduce((all, one) => ({ count: all.count + one.count, failed: all.failed + one.failed }), {
    count: 0,
    failed: 0,
  });
}
