import type { ChangeEntry } from "../../documents";

/** One edit of one file. */
export interface Edit {
  /** Its entry's place in the log. */
  readonly cursor: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly agent: string;
  readonly path: string;
  readonly change: string;
  readonly diff: string | null;
}

/** Edits that belong together. */
export interface Group {
  readonly key: string;
  readonly edits: readonly Edit[];
}

/** All edits, the oldest first. */
export function editsOf(entries: readonly ChangeEntry[]): Edit[] {
  return entries
    .flatMap(({ cursor, at, agent, changes }) =>
      changes.map((change) => ({ cursor, at: Date.parse(at), agent, ...change })),
    )
    .sort((one, other) => one.at - other.at);
}

/** Edits by turn, the newest turn first, and in each the oldest edit first. */
export function byTurn(entries: readonly ChangeEntry[]): Group[] {
  const turns = new Map<string, ChangeEntry[]>();
  for (const entry of entries) {
    // An edit whose turn is no longer known stands for itself.
    const key = entry.turn ?? entry.cursor;
    turns.set(key, [...(turns.get(key) ?? []), entry]);
  }
  return [...turns].map(([key, its]) => ({ key, edits: editsOf(its) }));
}

/** All edits of each file, by path. */
export function byFile(entries: readonly ChangeEntry[]): Group[] {
  const files = new Map<string, Edit[]>();
  for (const edit of editsOf(entries)) files.set(edit.path, [...(files.get(edit.path) ?? []), edit]);
  return [...files]
    .map(([key, edits]) => ({ key, edits }))
    .sort((one, other) => one.key.localeCompare(other.key));
}
