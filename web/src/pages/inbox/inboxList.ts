import type { Asked } from "~/answering/documents";
import type { InboxNeed } from "./documents";

/** What needs somebody, or needed somebody until a moment ago. */
export interface Row {
  readonly need: InboxNeed;
  /** It needs nobody any more, and stands there until the reader looks away. */
  readonly over: boolean;
  /** How it was answered, of what is answered. */
  readonly settled: Asked | null;
}

/** The rows as they are drawn; and what left last, so that nothing vanishes without a word. */
export interface InboxList {
  readonly rows: readonly Row[];
  readonly latest: Asked | null;
}

export interface Change {
  readonly changed: readonly InboxNeed[];
  readonly over: readonly string[];
  readonly settled: readonly Asked[];
}

export const NOTHING: InboxList = { rows: [], latest: null };

/** The list as the broker tells it whole. What stands there keeps its place. */
export function told(list: InboxList, needs: readonly InboxNeed[]): InboxList {
  const now = new Set(needs.map(({ key }) => key));
  const over = list.rows.filter(({ need }) => !now.has(need.key)).map(({ need }) => need.key);
  return changed(list, { changed: needs, over, settled: [] });
}

/** The list after a change: no row moves under a pointer, and what is new stands at the end. */
export function changed(list: InboxList, change: Change): InboxList {
  const news = new Map(change.changed.map((need) => [need.key, need]));
  const gone = new Set(change.over);
  const answers = new Map(change.settled.map((asked) => [`approval|${asked.key}`, asked]));
  const rows = list.rows.map((row): Row => {
    const need = news.get(row.need.key);
    if (need) return { need, over: false, settled: null };
    if (!gone.has(row.need.key)) return row;
    return { ...row, over: true, settled: answers.get(row.need.key) ?? row.settled };
  });
  const known = new Set(list.rows.map(({ need }) => need.key));
  const added = change.changed
    .filter(({ key }) => !known.has(key))
    .map((need) => ({ need, over: false, settled: null }));
  const shown = change.settled.findLast((asked) => known.has(`approval|${asked.key}`));
  return { rows: [...rows, ...added.sort(byOrder)], latest: shown ?? list.latest };
}

/** The list without what is over, in the order in which it was asked. */
export function swept(list: InboxList): InboxList {
  const rows = list.rows.filter(({ over }) => !over).sort(byOrder);
  const same = rows.length === list.rows.length && rows.every((row, place) => row === list.rows[place]);
  return same ? list : { ...list, rows };
}

/** As the broker orders them: what blocks something, then the longest waiting. */
function byOrder({ need: a }: Row, { need: b }: Row): number {
  return (
    Number(b.blocks) - Number(a.blocks) ||
    Number(a.since === null) - Number(b.since === null) ||
    (a.since ?? "").localeCompare(b.since ?? "") ||
    a.key.localeCompare(b.key)
  );
}

export type GroupBy = "order" | "agent" | "kind";

/** The rows in groups, each where its first row stands. */
export function grouped(rows: readonly Row[], by: GroupBy): readonly (readonly [string, readonly Row[]])[] {
  if (by === "order") return rows.length === 0 ? [] : [["", rows]];
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const name = by === "agent" ? row.need.name : row.need.kind;
    groups.set(name, [...(groups.get(name) ?? []), row]);
  }
  return [...groups];
}
