import type { Entry, MessageEntry, NoticeEntry } from "./entries";

/** Fewer notices in a row than this stand by themselves. */
const FEWEST = 4;

/** Notices in a row, in one line that opens. */
export interface NoticeGroup {
  readonly type: "group";
  readonly key: string;
  readonly notices: readonly NoticeEntry[];
}

/** What a conversation is drawn as: its entries, but for notices of which many stand in a row. */
export type Row = Entry | NoticeGroup;

/** Entries as rows. Warnings and failures, such as who stopped what, stand by themselves wherever they are. */
export function rowsOf(entries: readonly Entry[]): readonly Row[] {
  const rows: Row[] = [];
  let run: NoticeEntry[] = [];
  const close = () => {
    const [first] = run;
    if (first && run.length >= FEWEST) rows.push({ type: "group", key: `from ${first.key}`, notices: run });
    else rows.push(...run);
    run = [];
  };
  for (const entry of entries) {
    if (entry.type === "notice" && entry.tone === "quiet") run.push(entry);
    else {
      close();
      rows.push(entry);
    }
  }
  close();
  return rows;
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
