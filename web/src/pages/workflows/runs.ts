import { ask, type Answer } from "~/live/wire/ask";

export type RunState = "running" | "needs_human" | "completed" | "completed_early" | "failed" | "cancelled";
export type StepState =
  | "pending"
  | "running"
  | "aided"
  | "waiting_retry"
  | "waiting_quota"
  | "interrupted"
  | "needs_human"
  | "completed"
  | "failed"
  | "skipped";

/** A run as lists have it (`GET /v1/workflows/runs`). */
export interface Run {
  readonly id: string;
  readonly name: string;
  readonly workflow: string;
  readonly session: string;
  readonly state: RunState;
  readonly reason: string | null;
  /** Why nothing is done for it although it has not ended. */
  readonly held: string | null;
  readonly by: string;
  readonly machine: string | null;
  /** SHA-256 of its file. */
  readonly definition: string;
  /** The run that it goes on from. */
  readonly origin: string | null;
  readonly started_at_ms: number;
  readonly changed_at_ms: number;
}

export interface Attempt {
  readonly number: number;
  readonly started_at_ms: number;
  readonly ended_at_ms: number | null;
  readonly outcome: string | null;
  readonly reason: string;
}

export interface Step {
  readonly name: string;
  readonly type: string;
  readonly agent: string | null;
  readonly state: StepState;
  readonly reason: string;
  readonly attempt: number;
  readonly round: number;
  readonly after: readonly string[];
  readonly choice: string | null;
  readonly by_hand: boolean;
  /** Until when it waits for another attempt. */
  readonly until_ms: number | null;
  readonly tokens: number;
  /** Where a step that waits for that is called, for those who could do it by hand. */
  readonly webhook: string | null;
  readonly attempts: readonly Attempt[];
}

/** A run with its steps (`GET /v1/workflows/runs/{run}`). */
export interface WholeRun extends Run {
  readonly session_name: string;
  readonly steps: readonly Step[];
}

const RUNS = "/v1/workflows/runs";
/** Events after which a run may stand otherwise. */
export const ABOUT_RUNS = /^(workflow|step|command)\./;

export async function readRuns(): Promise<Answer<readonly Run[]>> {
  const answer = await ask<{ runs: readonly Run[] }>(`${RUNS}?limit=100`);
  return "value" in answer ? { value: answer.value.runs } : answer;
}

export const readRun = (run: string): Promise<Answer<WholeRun>> => ask(runPath(run));

/** What a step has said in an attempt that has ended. */
export const readOutput = (run: string, step: string, attempt: number): Promise<Answer<{ output: string }>> =>
  ask(`${stepPath(run, step)}/output?attempt=${attempt}`);

export const runPath = (run: string): string => `${RUNS}/${encodeURIComponent(run)}`;
export const stepPath = (run: string, step: string): string =>
  `${runPath(run)}/steps/${encodeURIComponent(step)}`;
