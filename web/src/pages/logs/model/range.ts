import { zoned } from "./conditions";
import * as texts from "~/texts";

/** A span of time: an age as the language of searches writes it, or two instants `from..to` in ISO 8601, UTC. */
export type Range = string;

/** Spans to choose from; without any, everything that is kept is searched. */
export const AGES = [
  { range: "15m", title: texts.logs.last15m },
  { range: "1h", title: texts.logs.lastHour },
  { range: "6h", title: texts.logs.last6h },
  { range: "24h", title: texts.logs.last24h },
  { range: "7d", title: texts.logs.last7d },
  { range: "30d", title: texts.logs.last30d },
] as const;

const AGE = /^(\d{1,6})([smhdw])$/;
const UNIT_MS: Record<string, number> = { s: 1e3, m: 60e3, h: 3600e3, d: 86_400e3, w: 604_800e3 };

export interface Span {
  /** Milliseconds since 1970. */
  readonly from: number;
  readonly to: number;
}

export function isRange(text: string): boolean {
  return spanOf(text, 0) !== null;
}

/** The span a range means, when ages count from `now`; null when it is no range. */
export function spanOf(range: Range, now: number): Span | null {
  const age = AGE.exec(range);
  if (age) return { from: now - Number(age[1]) * (UNIT_MS[age[2] ?? ""] ?? 0), to: now };
  const [from, to] = range.split("..").map((each) => Date.parse(each));
  return from !== undefined && to !== undefined && from < to ? { from, to } : null;
}

/** The range between two instants, to the millisecond. */
export function between(from: number, to: number): Range {
  return `${new Date(from).toISOString()}..${new Date(to).toISOString()}`;
}

const TIMES = /(?:^|\s)(?:since|until):/i;

/**
 * A search within a range. The range comes last, so that columns of the search stay true; a search that names
 * times itself has the last word.
 */
export function within(search: string, range: Range | undefined, now: number): string {
  const query = zoned(search);
  const span = range === undefined ? null : spanOf(range, now);
  if (!span || TIMES.test(query)) return query;
  const until = range && AGE.test(range) ? "" : ` until:${new Date(span.to).toISOString()}`;
  return `${query} since:${new Date(span.from).toISOString()}${until}`.trim();
}

/** Whether the search says itself when. */
export const saysWhen = (query: string): boolean => TIMES.test(query);
