import { offsetOf } from "~/live/eventWindow";
import type { Entry } from "./entries";

/** How many entries are drawn at the end of a conversation, by how many more at a time, and at most. */
const AT_END = 50;
const STEP = 20;
const MOST = 160;

/** Which entries of a conversation are drawn: so many from one on, or the last so many. */
export interface Drawn {
  readonly first: Pick<Entry, "key" | "cursor"> | null;
  readonly count: number;
}

export const THE_END: Drawn = { first: null, count: AT_END };

/** The places of the first entry that is drawn and of the first behind the last. */
export function boundsOf({ first, count }: Drawn, entries: readonly Entry[]): readonly [number, number] {
  if (first === null) return [Math.max(0, entries.length - count), entries.length];
  const from = placeOf(first, entries);
  return [from, Math.min(entries.length, from + count)];
}

/** The same entries, whatever comes behind them. */
export function held(drawn: Drawn, entries: readonly Entry[]): Drawn {
  const [from, to] = boundsOf(drawn, entries);
  return { first: entries[from] ?? null, count: Math.max(AT_END, to - from) };
}

/** More of what is ahead, and less of what is behind where that gets too much. */
export function withEarlier(drawn: Drawn, entries: readonly Entry[]): Drawn {
  // What is drawn up to the end goes on being that.
  if (drawn.first === null) return { first: null, count: Math.min(MOST, drawn.count + STEP) };
  const [from, to] = boundsOf(drawn, entries);
  const begin = Math.max(0, from - STEP);
  return { first: entries[begin] ?? null, count: Math.min(MOST, to - begin) };
}

/** More of what is behind, and less of what is ahead where that gets too much. */
export function withLater(drawn: Drawn, entries: readonly Entry[]): Drawn {
  const [from, to] = boundsOf(drawn, entries);
  const end = Math.min(entries.length, to + STEP);
  const begin = Math.max(from, end - MOST);
  return { first: entries[begin] ?? null, count: end - begin };
}

/** What is around an entry. */
export function around(entry: Entry, entries: readonly Entry[]): Drawn {
  const begin = Math.max(0, entries.indexOf(entry) - STEP);
  return { first: entries[begin] ?? null, count: 2 * STEP };
}

/** Where an entry is, or the first behind where it was: an entry whose start was not read has another key then. */
function placeOf(first: Pick<Entry, "key" | "cursor">, entries: readonly Entry[]): number {
  const same = entries.findIndex((entry) => entry.key === first.key);
  if (same >= 0) return same;
  const behind = entries.findIndex((entry) => offsetOf(entry.cursor) >= offsetOf(first.cursor));
  return Math.max(0, behind);
}
