import * as texts from "~/texts";

/** What a step does, for people; a kind that nobody knows as the file calls it. */
export function kindWords(kind: string): string {
  const words: Readonly<Record<string, string>> = texts.designer.kinds;
  return words[kind] ?? kind;
}

/** What is checked at a step's end; one that nobody knows as the file calls it. */
export function checkWords(check: string): string {
  const words: Readonly<Record<string, string>> = texts.designer.checks;
  return words[check] ?? check;
}
