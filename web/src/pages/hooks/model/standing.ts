import type { Hook, Run, RunState } from "../hooks";

export type Standing = "on" | "off" | "paused" | "stopped";

/** How a hook stands. What keeps it from running for longest is said. */
export function standingOf(hook: Pick<Hook, "enabled" | "stopped">, paused: boolean): Standing {
  if (!hook.enabled) return "off";
  if (hook.stopped !== null) return "stopped";
  return paused ? "paused" : "on";
}

/** The latest run of each hook, of runs whose newest is first. */
export function latestOf(runs: readonly Run[]): ReadonlyMap<string, Run> {
  return new Map(runs.toReversed().map((run) => [run.hook, run]));
}

/** Whether a run waits for the consent of its machine's owner, which is given there alone. */
export const lacksConsent = (state: RunState): boolean => state === "refused";
