import { offsetOf } from "~/live/log/eventWindow";
import type { Entry, MessageEntry, NoticeEntry } from "./entries";

/** Fewer notices in a row than this stand by themselves. */
const FEWEST = 4;
/** A group ends where a stretch of so many places of the log does: it can be opened however many there are. */
const STRETCH = 200;

/** Notices in a row, in one line that opens. */
export interface NoticeGroup {
  readonly type: "group";
  /** As long as any of its notices stay, whatever is read ahead of them or comes behind. */
  readonly key: string;
  /** Of its first notice. */
  readonly cursor: string;
  readonly notices: readonly NoticeEntry[];
}

/** What a conversation is drawn as: its entries, but for notices of which many stand in a row. */
export type Row = Entry | NoticeGroup;

/**
 * Entries as rows. Warnings and failures, such as who stopped what, stand by themselves wherever they are. A group that
 * was among the rows `before` is the same group: it stays open, and keeps the keyboard.
 */
export function rowsOf(entries: readonly Entry[], before: readonly Row[] = []): readonly Row[] {
  const rows: Row[] = [];
  const names = new GroupNames(before);
  let run: NoticeEntry[] = [];
  const close = () => {
    const [first] = run;
    if (first && run.length >= FEWEST)
      rows.push({ type: "group", key: names.nameOf(run), cursor: first.cursor, notices: run });
    else rows.push(...run);
    run = [];
  };
  for (const entry of entries) {
    if (entry.type === "notice" && entry.tone === "quiet") {
      const [first] = run;
      if (first && stretchOf(first) !== stretchOf(entry)) close();
      run.push(entry);
    } else {
      close();
      rows.push(entry);
    }
  }
  close();
  return rows;
}

/** What groups are called: as the one before that had a notice of theirs, or by their first. Each name is given once. */
class GroupNames {
  readonly #before = new Map<string, string>();
  readonly #given = new Set<string>();

  constructor(before: readonly Row[]) {
    for (const row of before)
      if (row.type === "group") for (const { key } of row.notices) this.#before.set(key, row.key);
  }

  nameOf(notices: readonly NoticeEntry[]): string {
    const had = notices.flatMap(({ key }) => this.#before.get(key) ?? []);
    const names = [...had, ...notices.map(({ key }) => `from ${key}`)];
    const name = names.find((each) => !this.#given.has(each)) ?? "";
    this.#given.add(name);
    return name;
  }
}

/** The rows of entries that change: each time those before are known. */
export class Rows {
  #rows: readonly Row[] = [];

  of(entries: readonly Entry[]): readonly Row[] {
    this.#rows = rowsOf(entries, this.#rows);
    return this.#rows;
  }
}

/** By its place, so that groups are cut in the same places whatever was read around them. */
const stretchOf = ({ cursor }: Entry): number => Math.floor(offsetOf(cursor) / STRETCH);

/** Whether an entry is shown in a row. */
export function holds(row: Row, { key }: Pick<Entry, "key">): boolean {
  return row.type === "group" ? row.notices.some((notice) => notice.key === key) : row.key === key;
}

/** The place of the last of what a row shows. */
export function lastCursor(row: Row): string {
  return row.type === "group" ? (row.notices.at(-1)?.cursor ?? row.cursor) : row.cursor;
}

/** For each turn the message that it answers, where that was read and nothing else was said in between. */
export function questionsOf(entries: readonly Entry[]): ReadonlyMap<string, MessageEntry> {
  const messages = new Map<string, MessageEntry>();
  const found = new Map<string, MessageEntry>();
  let before: Entry | undefined;
  for (const entry of entries) {
    if (entry.type === "notice") continue;
    if (entry.type === "message") messages.set(entry.key, entry);
    else {
      const question = messages.get(entry.messageKeys[0] ?? "");
      if (question && before !== question) found.set(entry.key, question);
    }
    before = entry;
  }
  return found;
}
