import type { Run } from "../runs";

/** A file that was run: its latest run, and how often it was. */
export interface Definition {
  readonly name: string;
  readonly latest: Run;
  readonly runs: number;
  /** Different texts among them. */
  readonly versions: number;
}

/** The files that runs are of, by name, the latest first. `runs`: the newest first. */
export function definitionsOf(runs: readonly Run[]): readonly Definition[] {
  const found = new Map<string, Run[]>();
  for (const run of runs) {
    const known = found.get(run.name);
    if (known) known.push(run);
    else found.set(run.name, [run]);
  }
  return [...found].flatMap(([name, all]) => {
    const [latest] = all;
    if (!latest) return [];
    const versions = new Set(all.map((each) => each.definition)).size;
    return [{ name, latest, runs: all.length, versions }];
  });
}
