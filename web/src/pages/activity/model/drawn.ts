import { offsetOf } from "~/live/log/eventWindow";
import type { Entry } from "./entries";
import { holds, lastCursor, type Row } from "./rows";

/**
 * How many rows are drawn at the end of a conversation, on each side of a place, by how many more at a time, and at most.
 * Few at a time: what is drawn in one picture delays it.
 */
const AT_END = 50;
const ASIDE = 20;
const STEP = 10;
const MOST = 200;

/** Which rows of a conversation are drawn: so many from one on, or the last so many. */
export interface Drawn {
  readonly first: Pick<Row, "key" | "cursor"> | null;
  readonly count: number;
}

export const THE_END: Drawn = { first: null, count: AT_END };

/** The places of the first row that is drawn and of the first behind the last. */
export function boundsOf({ first, count }: Drawn, rows: readonly Row[]): readonly [number, number] {
  if (first === null) return [Math.max(0, rows.length - count), rows.length];
  const from = placeOf(first, rows);
  return [from, Math.min(rows.length, from + count)];
}

/** The same rows, whatever comes behind them. */
export function held(drawn: Drawn, rows: readonly Row[]): Drawn {
  const [from, to] = boundsOf(drawn, rows);
  return { first: rows[from] ?? null, count: Math.max(AT_END, to - from) };
}

/** More of what is ahead. Of what is behind, `far` rows less, and more where it gets too much. */
export function withEarlier(drawn: Drawn, rows: readonly Row[], far: number): Drawn {
  // What is drawn up to the end goes on being that.
  if (drawn.first === null)
    return drawn.count < MOST ? { first: null, count: Math.min(MOST, drawn.count + STEP) } : drawn;
  const [from, to] = boundsOf(drawn, rows);
  const begin = Math.max(0, from - STEP);
  return { first: rows[begin] ?? null, count: Math.min(MOST, to - far - begin) };
}

/** More of what is behind. Of what is ahead, `far` rows less, and more where it gets too much. */
export function withLater(drawn: Drawn, rows: readonly Row[], far: number): Drawn {
  const [from, to] = boundsOf(drawn, rows);
  const end = Math.min(rows.length, to + STEP);
  const begin = Math.max(from + far, end - MOST);
  return { first: rows[begin] ?? null, count: end - begin };
}

/** What is around an entry. */
export function around(entry: Entry, rows: readonly Row[]): Drawn {
  const place = rows.findIndex((row) => holds(row, entry));
  const begin = Math.max(0, place - ASIDE);
  return { first: rows[begin] ?? null, count: 2 * ASIDE };
}

/** Where a row is, or the first behind where it was: an entry whose start was not read has another key then. */
function placeOf(first: Pick<Row, "key" | "cursor">, rows: readonly Row[]): number {
  const same = rows.findIndex((row) => row.key === first.key);
  if (same >= 0) return same;
  const behind = rows.findIndex((row) => offsetOf(lastCursor(row)) >= offsetOf(first.cursor));
  return Math.max(0, behind);
}
