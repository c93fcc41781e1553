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
  /** What the broker left out, in its words; null where this is all. */
  readonly cut: string | null;
  readonly added: number;
  readonly removed: number;
}

/** The rows of a unified diff; null when it is none, or when rows would not show all that it says. */
export function diffOf(path: string, change: string, text: string): Diff | null {
  const [told, cut] = withoutCut(text);
  const patch = patchOf(path, change, told);
  const file = isWhole(patch) ? parsed(patch) : undefined;
  if (!file || file.hunks.length === 0) return null;
  return {
    rows: file.hunks.flatMap((hunk, number) => [...gap(hunk, file.hunks[number - 1]), ...rowsOf(file, hunk)]),
    cut,
    added: file.hunks.reduce((sum, hunk) => sum + hunk.additionLines, 0),
    removed: file.hunks.reduce((sum, hunk) => sum + hunk.deletionLines, 0),
  };
}

/** A diff, and the line that a broker ends one with that it did not tell whole. */
function withoutCut(text: string): [string, string | null] {
  const found = /^\\ (cut: .*)\n?$(?![\s\S])/m.exec(text);
  return found?.[1] === undefined ? [text, null] : [text.slice(0, found.index), found[1]];
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

/** Whether there is nothing but one file's hunks, each as long as it says: people approve what they see. */
function isWhole(patch: string): boolean {
  const [head = "", ...hunks] = patch.split(/^(?=@@ )/m);
  return (
    head.split("\n").every((line) => /^(?:diff --git |index |--- |\+\+\+ |$)/.test(line)) &&
    hunks.every(isAsLongAsItSays)
  );
}

function isAsLongAsItSays(hunk: string): boolean {
  const [, before = "1", after = "1"] = /^@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@/.exec(hunk) ?? [];
  // The parser passes over lines without a sign.
  const [, ...lines] = hunk.split("\n").filter((line) => line !== "");
  const beginning = (sign: string) => lines.filter((line) => line.startsWith(sign)).length;
  const all = lines.length - beginning("\\");
  return all - beginning("+") === Number(before) && all - beginning("-") === Number(after);
}

/** Vendors leave out the head, and some give a new file's text instead of a diff. */
export function patchOf(path: string, change: string, text: string): string {
  if (/^--- .*\n\+\+\+ /m.test(text.split(/^@@ /m)[0] ?? "")) return text;
  const head = `--- ${path}\n+++ ${path}\n`;
  if (/^@@ /m.test(text)) return head + text;
  const lines = text.replace(/\n$/, "").split("\n");
  const removed = change === "delete";
  const where = removed ? `@@ -1,${lines.length} +0,0 @@` : `@@ -0,0 +1,${lines.length} @@`;
  return `${head}${where}\n${lines.map((line) => (removed ? "-" : "+") + line).join("\n")}\n`;
}

function gap(hunk: Hunk, before: Hunk | undefined): Row[] {
  const from = before ? before.additionStart + before.additionCount : 1;
  if (hunk.additionStart <= from) return [];
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

/** The first rows, cut ahead of a hunk where one ends within them: about `most`, and at least one. */
export function firstHunks(rows: readonly Row[], most: number): readonly Row[] {
  if (rows.length <= most) return rows;
  const cut = rows.findLastIndex((row, place) => row.type === "gap" && place > 0 && place <= most);
  // Where a hunk begins that follows at once on another, nothing is to be seen; then rows are as good.
  return rows.slice(0, cut > most / 2 ? cut : most);
}

/** A row of a diff as one text: what goes stands ahead of what comes. */
export interface UnifiedRow {
  readonly type: "gap" | "same" | "removed" | "added";
  readonly old: number | null;
  readonly new: number | null;
  readonly side: Side;
}

/** The rows one under another. */
export function unified(rows: readonly Row[]): UnifiedRow[] {
  const found: UnifiedRow[] = [];
  let added: UnifiedRow[] = [];
  for (const { type, old, new: after } of rows) {
    if (type === "changed") {
      if (old) found.push({ type: "removed", old: old.line, new: null, side: old });
      if (after) added.push({ type: "added", old: null, new: after.line, side: after });
    } else if (after) {
      found.push(...added, { type, old: old?.line ?? null, new: after.line, side: after });
      added = [];
    }
  }
  return [...found, ...added];
}

/** What each hunk was and what it is, as texts of whole lines. */
export function textsOf(rows: readonly Row[]): Side[][] {
  const found: Side[][] = [];
  let [before, after]: [Side[], Side[]] = [[], []];
  for (const row of rows) {
    if (row.type === "gap" || found.length === 0) found.push((before = []), (after = []));
    if (row.type === "gap") continue;
    if (row.old) before.push(row.old);
    if (row.new) after.push(row.new);
  }
  return found.filter((text) => text.length > 0);
}
