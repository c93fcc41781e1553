import type { Tone } from "~/design/Badge";
import type { RunState, StepState } from "./runs";
import * as texts from "~/texts";

export function runWords(state: RunState): string {
  switch (state) {
    case "running":
      return texts.workflows.running;
    case "needs_human":
      return texts.workflows.needsHuman;
    case "completed":
      return texts.workflows.completed;
    case "completed_early":
      return texts.workflows.completedEarly;
    case "failed":
      return texts.workflows.failed;
    case "cancelled":
      return texts.workflows.cancelled;
  }
}

export function stepWords(state: StepState): string {
  switch (state) {
    case "pending":
      return texts.workflows.pending;
    case "running":
      return texts.workflows.running;
    case "aided":
      return texts.workflows.aided;
    case "waiting_retry":
      return texts.workflows.waitingRetry;
    case "waiting_quota":
      return texts.workflows.waitingQuota;
    case "interrupted":
      return texts.workflows.interrupted;
    case "needs_human":
      return texts.workflows.needsHuman;
    case "completed":
      return texts.workflows.completed;
    case "failed":
      return texts.workflows.failed;
    case "skipped":
      return texts.workflows.skipped;
  }
}

const TONES: Readonly<Record<RunState | StepState, Tone>> = {
  pending: "neutral",
  running: "accent",
  aided: "accent",
  waiting_retry: "warn",
  waiting_quota: "warn",
  interrupted: "warn",
  needs_human: "warn",
  completed: "good",
  completed_early: "good",
  failed: "bad",
  cancelled: "neutral",
  skipped: "neutral",
};

export const toneOf = (state: RunState | StepState): Tone => TONES[state];
