import type { Step } from "../runs";

/** One attempt as a bar of the timeline: shares of the whole, from 0 to 1. */
export interface Bar {
  readonly number: number;
  readonly start: number;
  readonly length: number;
  readonly ms: number;
  readonly outcome: string | null;
}

/** From the run's beginning to its end, or to now. */
export function spanOf(
  run: { started_at_ms: number; changed_at_ms: number },
  steps: readonly Step[],
  { now, over }: { now: number; over: boolean },
): { from: number; to: number } {
  const ends = steps.flatMap((step) => step.attempts.map((each) => each.ended_at_ms ?? each.started_at_ms));
  const last = Math.max(run.changed_at_ms, ...ends);
  return { from: run.started_at_ms, to: Math.max(over ? last : Math.max(now, last), run.started_at_ms + 1) };
}

export function barsOf(step: Step, { from, to }: { from: number; to: number }): Bar[] {
  const share = (at: number): number => Math.min(1, Math.max(0, (at - from) / (to - from)));
  return step.attempts.map((each) => {
    const end = each.ended_at_ms ?? to;
    const start = share(each.started_at_ms);
    return {
      number: each.number,
      start,
      length: Math.max(0, share(end) - start),
      ms: Math.max(0, end - each.started_at_ms),
      outcome: each.outcome,
    };
  });
}
