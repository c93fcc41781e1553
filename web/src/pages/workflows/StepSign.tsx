import { StateDot, type ShownState } from "~/design/StateDot";
import type { StepState } from "./runs";

const SIGNS: Readonly<Record<StepState, ShownState | "done">> = {
  pending: "idle",
  running: "working",
  aided: "working",
  waiting_retry: "starting",
  waiting_quota: "starting",
  interrupted: "lost",
  needs_human: "waiting",
  completed: "done",
  failed: "failed",
  skipped: "released",
};

/** A step's state as a sign; the words stand beside it. */
export function StepSign({ state }: { state: StepState }) {
  const sign = SIGNS[state];
  if (sign !== "done") return <StateDot state={sign} />;
  return (
    <svg
      viewBox="0 0 14 14"
      width="14"
      height="14"
      fill="none"
      strokeWidth="1.6"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden
      className="shrink-0 text-good"
    >
      <circle cx="7" cy="7" r="6" fill="currentColor" />
      <path d="m4.6 7.2 1.7 1.7L9.5 5.4" stroke="var(--surface)" />
    </svg>
  );
}
