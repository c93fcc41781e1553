/** Of a line: what makes it a heading, a quotation, an item or a task. */
const AHEAD = /^\s*(?:#{1,6}\s+|>\s?|[-*+]\s+(?:\[[ xX]\]\s+)?)+/;
const ROW = /^\s*\|(.+?)\|?\s*$/;
const STRONG = /(\*\*|__|~~)(?=\S)(.+?)(?<=\S)\1/g;
const CODE = /`([^`]+)`/g;

/** One line of what an agent wrote in Markdown, where there is room for words only. */
export function withoutMarks(line: string): string {
  const cells = ROW.exec(line)?.[1];
  const words =
    cells === undefined
      ? line.replace(AHEAD, "")
      : cells
          .split("|")
          .map((cell) => cell.trim())
          .join(" · ");
  return words.replace(STRONG, "$2").replace(CODE, "$1");
}
