import type { ReactNode } from "react";
import { classes } from "./classes";

const TONES = {
  neutral: "bg-hover text-soft",
  accent: "bg-accent-soft text-accent-text",
  good: "bg-good-soft text-good",
  warn: "bg-warn-soft text-warn",
  bad: "bg-bad-soft text-bad",
};

export type Tone = keyof typeof TONES;

/** A word or a number that qualifies what it stands beside. */
export function Badge({ tone = "neutral", children }: { tone?: Tone; children: ReactNode }) {
  return (
    <span
      className={classes(
        "inline-flex h-4.5 min-w-4.5 shrink-0 items-center justify-center rounded px-1.5 text-2xs font-medium tabular-nums whitespace-nowrap",
        TONES[tone],
      )}
    >
      {children}
    </span>
  );
}
