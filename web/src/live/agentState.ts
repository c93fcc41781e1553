import type { ShownState } from "~/design/StateDot";
import type { Agent } from "./documents";
import * as texts from "~/texts";

/** The part of an agent that its state is told by. */
export type Stated = Pick<Agent, "state" | "paused" | "waitingApprovals" | "reason">;

const STATES: Record<Agent["state"], ShownState> = {
  STARTING: "starting",
  IDLE: "idle",
  WORKING: "working",
  DEAF: "deaf",
  LOST: "lost",
  RELEASING: "releasing",
  RELEASED: "released",
  FAILED: "failed",
};

const WORDS: Record<ShownState, string> = {
  starting: texts.live.starting,
  idle: texts.live.idle,
  working: texts.live.working,
  waiting: texts.live.waiting,
  paused: texts.live.paused,
  deaf: texts.live.deaf,
  lost: texts.live.lost,
  releasing: texts.live.releasing,
  released: texts.live.released,
  failed: texts.live.failed,
};

/**
 * The state to show: one that asks for permission waits, whatever else it does. One that is stopped and still in a turn
 * is shown working: it is being interrupted.
 */
export function shownState(agent: Stated): ShownState {
  const state = STATES[agent.state];
  if (agent.paused && state === "idle") return "paused";
  return agent.waitingApprovals > 0 && (state === "working" || state === "idle") ? "waiting" : state;
}

/** The state in words, with why where that is known. */
export function stateWords(agent: Stated): string {
  const state = shownState(agent);
  return state === "failed" && agent.reason ? texts.live.failedBecause(agent.reason) : WORDS[state];
}

/** From most to least in need of a look. */
const URGENCY: ShownState[] = [
  "waiting",
  "deaf",
  "failed",
  "lost",
  "working",
  "starting",
  "releasing",
  "paused",
  "idle",
  "released",
];

/** What a session's agents amount to: the most urgent state, and how many live. */
export function sessionState(agents: readonly (Stated & { ended: boolean })[]): {
  dot: ShownState;
  words: string;
  live: number;
} {
  const living = agents.filter((agent) => !agent.ended);
  const states = new Set(living.map(shownState));
  const dot = URGENCY.find((state) => states.has(state)) ?? "released";
  return { dot, words: living.length > 0 ? WORDS[dot] : texts.live.noAgents, live: living.length };
}
