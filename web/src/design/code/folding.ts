/** What is longer than this is folded, to so many lines. */
const MOST_LINES = 60;
const LINES_KEPT = 40;
/** By so many lines at once the beginning of a growing text goes: all that is drawn of it is laid out anew then. */
const GOES_AT_ONCE = 40;
/** A line of any length may come; pictures stand in the text and are not read. */
const MOST_CHARACTERS = 8000;
const CHARACTERS_KEPT = 5000;
const PICTURE = /\(data:image\/[^)\s]*\)/g;
const FENCE = /^ {0,3}(`{3,}|~{3,})/;

/** A part of a text to be shown, and how long all of it is. */
export interface Fold {
  readonly shown: string;
  readonly lines: number;
  /** Of the whole text, without its pictures. */
  readonly letters: number;
}

/** The beginning of a long text; null for one that is shown whole. */
export function folded(text: string): Fold | null {
  const lines = lineCount(text);
  const letters = text.length <= MOST_CHARACTERS ? text.length : text.replace(PICTURE, "").length;
  if (lines <= MOST_LINES && letters <= MOST_CHARACTERS) return null;
  const head = text.split("\n", LINES_KEPT).join("\n");
  if (head.replace(PICTURE, "").length <= MOST_CHARACTERS) return { shown: head, lines, letters };
  // Not between the two halves of a character.
  const end = head.charCodeAt(CHARACTERS_KEPT - 1) >>> 10 === 0x36 ? CHARACTERS_KEPT - 1 : CHARACTERS_KEPT;
  return { shown: head.slice(0, end), lines, letters };
}

/** The end of a long text that is still being written; null for one that is shown whole. */
export function growing(text: string): Fold | null {
  const lines = lineCount(text);
  // In steps, so that what stands there is left alone while lines are added.
  const skipped = Math.floor((lines - LINES_KEPT) / GOES_AT_ONCE) * GOES_AT_ONCE;
  if (skipped <= 0) return null;
  const cut = endOfLine(text, skipped);
  const fence = openFence(text.slice(0, cut));
  return { shown: (fence ? `${fence}\n` : "") + text.slice(cut), lines, letters: text.length };
}

function lineCount(text: string): number {
  let count = 1;
  for (let place = text.indexOf("\n"); place >= 0; place = text.indexOf("\n", place + 1)) count += 1;
  return count;
}

/** Where the line behind the first `count` ones begins. */
function endOfLine(text: string, count: number): number {
  let place = 0;
  for (let line = 0; line < count; line++) place = text.indexOf("\n", place) + 1;
  return place;
}

/** The line that opened the fence which a text ends in; "" when it ends in none. */
function openFence(text: string): string {
  if (!text.includes("```") && !text.includes("~~~")) return "";
  let open = "";
  for (const line of text.split("\n")) {
    const fence = FENCE.exec(line)?.[1];
    if (fence === undefined) continue;
    if (open === "") open = line;
    else if (closes(fence, line, open)) open = "";
  }
  return open;
}

function closes(fence: string, line: string, open: string): boolean {
  const opened = FENCE.exec(open)?.[1] ?? "";
  return fence.startsWith(opened.charAt(0)) && fence.length >= opened.length && line.trim() === fence;
}
