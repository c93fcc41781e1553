import type { Problem } from "~/design/problems";
import { ask, type Answer, type Refused } from "~/live/wire/ask";

export type RunState =
  "ordered" | "started" | "completed" | "failed" | "refused" | "skipped" | "expired" | "interrupted";

/** What a hook does: one of these. */
export interface Action {
  /** A line, or its words. */
  readonly command?: string | readonly string[];
  readonly relay?: string;
  readonly webhook?: string;
  readonly notify?: string;
  /** Which workflow of the file that the hook has. */
  readonly start_workflow?: string;
}

export interface Hook {
  readonly id: string;
  readonly for: string;
  readonly on: string;
  readonly does: Action;
  readonly enabled: boolean;
  /** Of one that answers: whether its answer to what waits for people counts. */
  readonly decides?: boolean;
  /** Of one that answers: whether its "allow" answers for people. */
  readonly may_allow?: boolean;
  /** Why nothing is delivered for it any more. */
  readonly stopped: string | null;
}

/** The hooks that hold (`GET /v1/hooks`). */
export interface Saved {
  readonly text: string;
  readonly version: number;
  readonly by: string;
  readonly at_ms: number;
  readonly paused: boolean;
  readonly notes: readonly string[];
  readonly hooks: readonly Hook[];
}

export interface Run {
  readonly id: string;
  readonly hook: string;
  readonly session: string;
  /** Of the agent. */
  readonly name: string;
  readonly state: RunState;
  readonly at_ms: number;
  readonly data: {
    readonly reason?: string;
    readonly argv?: readonly string[];
    readonly exit_code?: number | null;
    readonly output?: string;
    readonly duration_ms?: number;
    readonly event?: string;
    readonly test_by?: string;
  };
}

/** What a run does, or would have done. */
export interface Done {
  readonly argv?: readonly (readonly string[])[];
  readonly skipped?: string;
  readonly relay?: string;
  readonly text?: string;
  readonly to?: string;
  /** The values that a workflow is started with. */
  readonly starts?: Readonly<Record<string, string>>;
}

export interface Trial {
  readonly sessions: number;
  readonly events: number;
  readonly complete: boolean;
  readonly hooks: readonly {
    readonly hook: string;
    readonly on: string;
    readonly runs: number;
    /** The latest, the newest last. */
    readonly examples: readonly Example[];
  }[];
}

export interface Example {
  readonly session: string;
  readonly agent: string;
  readonly at_ms: number;
  readonly cursor: string;
  readonly does: Done;
}

export interface Fired {
  readonly run: string;
  readonly session: string;
  readonly agent: string;
  readonly does: Done;
  readonly from_log: boolean;
}

/** All that the page shows. */
export interface Everything {
  readonly saved: Saved;
  /** The latest, the newest first. */
  readonly runs: readonly Run[];
  readonly undelivered: readonly Run[];
}

/** Events after which the page shows something else. */
export const ABOUT_HOOKS = /^hook\./;
const HOOKS = "/v1/hooks";

export async function readEverything(): Promise<Answer<Everything>> {
  const [saved, runs, undelivered] = await Promise.all([
    ask<Saved>(HOOKS),
    ask<{ runs: readonly Run[] }>(`${HOOKS}/runs?limit=200`),
    ask<{ runs: readonly Run[] }>(`${HOOKS}/dead-letters?limit=100`),
  ]);
  if ("refused" in saved) return saved;
  if ("refused" in runs) return runs;
  if ("refused" in undelivered) return undelivered;
  return { value: { saved: saved.value, runs: runs.value.runs, undelivered: undelivered.value.runs } };
}

/** Replace them all; `version` is of those that were read. */
export const apply = (text: string, version: number): Promise<Answer<Saved>> =>
  ask(HOOKS, "PUT", { text, version });

export const pause = (paused: boolean): Promise<Answer<Saved>> => ask(`${HOOKS}/paused`, "PUT", { paused });

export const check = (text: string): Promise<Answer<{ problems: readonly Problem[] }>> =>
  ask(`${HOOKS}/check`, "POST", { text });

export const tryOut = (text: string, days: number): Promise<Answer<Trial>> =>
  ask(`${HOOKS}/test`, "POST", { text, days });

/** Let a hook that holds run now, for an agent on a machine. */
export const fire = (hook: string, machine: string): Promise<Answer<Fired>> =>
  ask(`${HOOKS}/test/runs`, "POST", { hook, machine });

export const resend = (run: string): Promise<Answer<object>> =>
  ask(`${HOOKS}/runs/${encodeURIComponent(run)}/resend`, "POST");

/** What is wrong in a text that was refused; empty when it was refused for something else. */
export function problemsIn({ code, details }: Refused): readonly Problem[] {
  if (code !== "INVALID_HOOKS") return [];
  return (details as { problems?: readonly Problem[] } | undefined)?.problems ?? [];
}
