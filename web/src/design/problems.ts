/** One thing that is wrong in a text, or may be. Lines and columns count from 1. */
export interface Problem {
  readonly line: number;
  readonly column: number;
  readonly message: string;
  /** None: it is an error. */
  readonly severity?: "error" | "warning";
}

export const isError = ({ severity }: Problem): boolean => severity !== "warning";

/** Where in a text a problem is, counted from its beginning. */
export function placeOf(text: string, { line, column }: Pick<Problem, "line" | "column">): number {
  const lines = text.split("\n");
  const before = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
  return Math.min(text.length, before + Math.max(0, Math.min(column - 1, lines[line - 1]?.length ?? 0)));
}
