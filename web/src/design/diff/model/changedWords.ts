import { diffWordsWithSpace } from "diff";
import type { Row, Side } from "./diffRows";
import type { Mark } from "./pieces";

const LONGEST_LINE = 500;
/** Lines that differ in more than this are two lines rather than one that was changed. */
const MOST_CHANGED = 0.6;

/** Which words a line lost and which it got; none where the lines have too little in common. */
export function changedWords(before: string, after: string): { old: Mark[]; new: Mark[] } {
  const none = { old: [], new: [] };
  if (Math.max(before.length, after.length) > LONGEST_LINE) return none;
  const marks: { old: Mark[]; new: Mark[] } = { old: [], new: [] };
  let [oldAt, newAt, changed] = [0, 0, 0];
  for (const { value, added, removed } of diffWordsWithSpace(before, after)) {
    if (removed) marks.old.push([oldAt, oldAt + value.length]);
    if (added) marks.new.push([newAt, newAt + value.length]);
    if (added || removed) changed += value.trim().length;
    if (!added) oldAt += value.length;
    if (!removed) newAt += value.length;
  }
  const total = before.trim().length + after.trim().length;
  return changed > total * MOST_CHANGED ? none : marks;
}

/** The changed words of every line that has a counterpart. */
export function marksOf(rows: readonly Row[]): ReadonlyMap<Side, readonly Mark[]> {
  const found = new Map<Side, readonly Mark[]>();
  for (const row of rows) {
    if (row.type !== "changed" || !row.old || !row.new) continue;
    const marks = changedWords(row.old.text, row.new.text);
    found.set(row.old, marks.old).set(row.new, marks.new);
  }
  return found;
}
