import { processFile, type FileDiffMetadata } from "@pierre/diffs";

/** One side of a row: a line of the file before or after. */
export interface Side {
  readonly line: number;
  readonly text: string;
}

/** A row of a diff as it stands side by side. */
export interface Row {
  /** `gap` stands for lines that are left out; `old` and `new` tell where the text goes on. */
  readonly type: "gap" | "same" | "changed";
  readonly old: Side | null;
  readonly new: Side | null;
}

/** A diff that can be drawn. */
export interface Diff {
  readonly rows: readonly Row[];
  readonly added: number;
  readonly removed: number;
}

/** The rows of a unified diff; null when it is none. */
export function diffOf(path: string, change: string, text: string): Diff | null {
  const file = parsed(patchOf(path, change, text));
  if (!file || file.hunks.length === 0) return null;
  return {
    rows: file.hunks.flatMap((hunk, number) => [...gap(hunk, number), ...rowsOf(file, hunk)]),
    added: file.hunks.reduce((sum, hunk) => sum + hunk.additionLines, 0),
    removed: file.hunks.reduce((sum, hunk) => sum + hunk.deletionLines, 0),
  };
}

type Hunk = FileDiffMetadata["hunks"][number];

function parsed(patch: string): FileDiffMetadata | undefined {
  try {
    return processFile(patch);
  } catch {
    // What a vendor calls a diff need not be one.
    return undefined;
  }
}

/** Vendors leave out the head, and some give a new file's text instead of a diff. */
export function patchOf(path: string, change: string, text: string): string {
  if (/^--- /m.test(text)) return text;
  const head = `--- ${path}\n+++ ${path}\n`;
  if (/^@@ /m.test(text)) return head + text;
  const lines = text.replace(/\n$/, "").split("\n");
  const removed = change === "delete";
  const where = removed ? `@@ -1,${lines.length} +0,0 @@` : `@@ -0,0 +1,${lines.length} @@`;
  return `${head}${where}\n${lines.map((line) => (removed ? "-" : "+") + line).join("\n")}\n`;
}

function gap(hunk: Hunk, number: number): Row[] {
  if (number === 0 && hunk.additionStart <= 1) return [];
  const text = hunk.hunkContext?.trim() ?? "";
  return [{ type: "gap", old: { line: hunk.deletionStart, text }, new: { line: hunk.additionStart, text } }];
}

function rowsOf(file: FileDiffMetadata, hunk: Hunk): Row[] {
  const rows: Row[] = [];
  const old = side(file.deletionLines, hunk.deletionStart - hunk.deletionLineIndex);
  const changed = side(file.additionLines, hunk.additionStart - hunk.additionLineIndex);
  for (const part of hunk.hunkContent) {
    const [before, after] =
      part.type === "context" ? [part.lines, part.lines] : [part.deletions, part.additions];
    for (let at = 0; at < Math.max(before, after); at += 1)
      rows.push({
        type: part.type === "context" ? "same" : "changed",
        old: at < before ? old(part.deletionLineIndex + at) : null,
        new: at < after ? changed(part.additionLineIndex + at) : null,
      });
  }
  return rows;
}

function side(lines: readonly string[], shift: number): (index: number) => Side {
  return (index) => ({ line: index + shift, text: (lines[index] ?? "").replace(/\r?\n$/, "") });
}

/** A row of a diff as one text: what goes stands ahead of what comes. */
export interface UnifiedRow {
  readonly type: "gap" | "same" | "removed" | "added";
  readonly old: number | null;
  readonly new: number | null;
  readonly text: string;
}

/** The rows one under another. */
export function unified(rows: readonly Row[]): UnifiedRow[] {
  const found: UnifiedRow[] = [];
  let added: UnifiedRow[] = [];
  for (const row of rows) {
    if (row.type === "changed") {
      if (row.old) found.push({ type: "removed", old: row.old.line, new: null, text: row.old.text });
      if (row.new) added.push({ type: "added", old: null, new: row.new.line, text: row.new.text });
      continue;
    }
    found.push(...added, {
      type: row.type,
      old: row.old?.line ?? null,
      new: row.new?.line ?? null,
      text: row.new?.text ?? "",
    });
    added = [];
  }
  return [...found, ...added];
}
