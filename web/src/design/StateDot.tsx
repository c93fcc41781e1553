import { classes } from "./classes";

/** What an agent does, as people say it. "waiting" is a working agent that asks for permission. */
export type ShownState =
  | "starting"
  | "idle"
  | "working"
  | "waiting"
  | "paused"
  | "deaf"
  | "hung"
  | "lost"
  | "releasing"
  | "released"
  | "failed";

const COLORS: Record<ShownState, string> = {
  starting: "text-accent-text",
  idle: "text-faint",
  working: "text-good",
  waiting: "text-warn",
  paused: "text-warn",
  deaf: "text-bad",
  hung: "text-bad",
  lost: "text-bad",
  releasing: "text-faint",
  released: "text-faint",
  failed: "text-bad",
};

const TURNING: ReadonlySet<ShownState> = new Set(["starting", "releasing", "working"]);

/** A state as a sign that differs in shape and not by colour alone. The words stand beside it or in `label`. */
export function StateDot({ state, label }: { state: ShownState; label?: string }) {
  return (
    <svg
      viewBox="0 0 14 14"
      width="14"
      height="14"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.6"
      strokeLinecap="round"
      // The whole sign turns: a part of it would be drawn anew for each picture.
      className={classes("shrink-0", COLORS[state], TURNING.has(state) && "animate-turn")}
      {...(label ? { role: "img", "aria-label": label } : { "aria-hidden": true })}
    >
      <Sign state={state} />
    </svg>
  );
}

function Sign({ state }: { state: ShownState }) {
  const ring = <circle cx="7" cy="7" r="5.2" />;
  switch (state) {
    case "starting":
    case "releasing":
      return <circle cx="7" cy="7" r="5.2" strokeDasharray="2.2 2.2" />;
    case "idle":
      return ring;
    case "working":
      return (
        <>
          <circle cx="7" cy="7" r="5.2" opacity="0.3" />
          <path d="M7 1.8A5.2 5.2 0 0 1 12.2 7" />
          <circle cx="7" cy="7" r="1.7" fill="currentColor" stroke="none" />
        </>
      );
    case "waiting":
      return (
        <>
          <circle cx="7" cy="7" r="6" fill="currentColor" stroke="none" />
          <path d="M5.3 5v4M8.7 5v4" stroke="var(--surface)" />
        </>
      );
    case "paused":
      return (
        <>
          {ring}
          <path d="M5.5 5v4M8.5 5v4" />
        </>
      );
    case "deaf":
      return (
        <>
          {ring}
          <path d="M3.4 10.6 10.6 3.4" />
        </>
      );
    case "hung":
      return (
        <>
          {ring}
          <path d="M7 4v3l2 1.4" />
        </>
      );
    case "lost":
      return (
        <>
          {ring}
          <path d="M7 4.2v3.3M7 9.8h.01" />
        </>
      );
    case "released":
      return (
        <>
          {ring}
          <path d="M4.8 7h4.4" />
        </>
      );
    case "failed":
      return (
        <>
          <circle cx="7" cy="7" r="6" fill="currentColor" stroke="none" />
          <path d="m5 5 4 4M9 5 5 9" stroke="var(--surface)" />
        </>
      );
  }
}
