import type { Run } from "../runs";

/** What the history of runs is narrowed to; the address has it, so that it can be shared. */
export interface Wanted {
  readonly state?: string;
  /** The file's name. */
  readonly file?: string;
  /** Who has started it. */
  readonly by?: string;
}

const KEYS = ["state", "file", "by"] as const;

export function readWanted(search: Record<string, unknown>): Wanted {
  const given = KEYS.map((key) => [key, search[key]] as const);
  return Object.fromEntries(given.filter(([, value]) => typeof value === "string" && value !== ""));
}

export const isWanted = (run: Run, { state, file, by }: Wanted): boolean =>
  (state === undefined || run.state === state) &&
  (file === undefined || run.name === file) &&
  (by === undefined || run.by === by);

/** What there is to choose from, by name; with what is chosen, though no run has it now. */
export const choicesOf = (values: readonly string[], chosen: string | undefined): readonly string[] =>
  [...new Set(chosen === undefined ? values : [...values, chosen])].sort((a, b) => a.localeCompare(b));
