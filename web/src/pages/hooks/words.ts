import type { Tone } from "~/design/Badge";
import type { RunState } from "./hooks";
import type { Standing } from "./model/standing";
import * as texts from "~/texts";

export function runWords(state: RunState): string {
  switch (state) {
    case "ordered":
      return texts.hooks.ordered;
    case "started":
      return texts.hooks.started;
    case "completed":
      return texts.hooks.completed;
    case "failed":
      return texts.hooks.failed;
    case "refused":
      return texts.hooks.refused;
    case "skipped":
      return texts.hooks.skipped;
    case "expired":
      return texts.hooks.expired;
    case "interrupted":
      return texts.hooks.interrupted;
  }
}

export function standingWords(standing: Standing): string {
  switch (standing) {
    case "on":
      return texts.hooks.on;
    case "off":
      return texts.hooks.off;
    case "paused":
      return texts.hooks.paused;
    case "stopped":
      return texts.hooks.stopped;
  }
}

const TONES: Readonly<Record<RunState | Standing, Tone>> = {
  ordered: "accent",
  started: "accent",
  completed: "good",
  failed: "bad",
  refused: "warn",
  skipped: "neutral",
  expired: "bad",
  interrupted: "warn",
  on: "good",
  off: "neutral",
  paused: "warn",
  stopped: "bad",
};

export const toneOf = (state: RunState | Standing): Tone => TONES[state];
