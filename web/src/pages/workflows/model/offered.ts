import type { Step, WholeRun } from "../runs";

export type RunAct = "cancel" | "resume";
export type StepAct = "retry" | "skip" | "fail";

const RESTING: ReadonlySet<string> = new Set(["failed", "cancelled", "needs_human"]);
const OVER: ReadonlySet<string> = new Set(["failed", "cancelled"]);
const UNDER_WAY: ReadonlySet<string> = new Set(["running", "aided"]);

/** Whether nothing of a run goes on any more, so that another may go on from it. */
export const isOver = (run: Pick<WholeRun, "state">): boolean =>
  OVER.has(run.state) || run.state.startsWith("completed");

/** What a person may do with a run as it stands; the broker decides at each request. */
export function offeredForRun(
  run: Pick<WholeRun, "state" | "held">,
  permissions: ReadonlySet<string>,
): RunAct[] {
  const acts: RunAct[] = [];
  if (permissions.has("SPAWN") && (RESTING.has(run.state) || run.held !== null)) acts.push("resume");
  if (permissions.has("RELEASE") && (run.state === "running" || run.state === "needs_human"))
    acts.push("cancel");
  return acts;
}

/** What a person may do with one of its steps. */
export function offeredForStep(
  run: Pick<WholeRun, "state">,
  step: Pick<Step, "state">,
  permissions: ReadonlySet<string>,
): StepAct[] {
  if (!permissions.has("SPAWN") || run.state.startsWith("completed")) return [];
  const acts: StepAct[] = [];
  const over = OVER.has(run.state);
  if (step.state === "needs_human" || (over && (step.state === "failed" || step.state === "interrupted")))
    acts.push("retry");
  if (step.state !== "completed" && !UNDER_WAY.has(step.state)) acts.push("skip");
  if (step.state === "needs_human") acts.push("fail");
  return acts;
}

/** The command in a reason that says what to type on a machine; null in one that does not. */
export function commandIn(reason: string): string | null {
  return /`(relay-connect workflow [^`]+)`/.exec(reason)?.[1] ?? null;
}
