import type { ShownState } from "~/design/StateDot";
import type { Agent } from "./documents";
import { reasonWords } from "./reasons";
import * as texts from "~/texts";

/** The part of an agent that its state is told by. */
export type Stated = Pick<
  Agent,
  | "state"
  | "paused"
  | "waitingApprovals"
  | "reason"
  | "since"
  | "awaySince"
  | "seenAt"
  | "doing"
  | "dismissed"
>;

/** What is shown of an agent's state, and since when that is so. */
export interface Standing {
  readonly shown: ShownState;
  /** The state in words, with why where that is known. */
  readonly words: string;
  /** When it began to be so, as far as that is known. */
  readonly since: number;
}

const MINUTE_MS = 60_000;
/** How long a turn goes on without a sign of its agent before it is taken to hang; tools may run for long. */
const QUIET_MS = 10 * MINUTE_MS;
const QUIET_IN_TOOL_MS = 60 * MINUTE_MS;

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
  hung: texts.live.hung,
  lost: texts.live.lost,
  releasing: texts.live.releasing,
  released: texts.live.released,
  failed: texts.live.failed,
};

/**
 * The one place where it is decided what an agent is shown to be, from all that is known of it. A machine that is away
 * takes its agents along at once, whatever they did; one that asks a person waits, whatever else it does. One that is
 * stopped and still in a turn is shown working: it is being interrupted.
 */
export function standing(agent: Stated, now: number): Standing {
  const since = Date.parse(agent.since);
  const state = STATES[agent.state];
  if (state === "failed")
    return {
      shown: state,
      words: agent.reason ? texts.live.failedBecause(reasonWords(agent.reason)) : WORDS.failed,
      since,
    };
  if (state === "released") return told(state, since);
  if (agent.awaySince !== null) return told("lost", Date.parse(agent.awaySince));
  const isBusy = state === "working" || state === "idle";
  if (isBusy && agent.waitingApprovals > 0) return told("waiting", since);
  if (state === "idle" && agent.paused) return told("paused", since);
  if (state !== "working") return told(state, since);
  const lastSign = Math.max(since, agent.seenAt === null ? 0 : Date.parse(agent.seenAt));
  const quiet = agent.doing === null ? QUIET_MS : QUIET_IN_TOOL_MS;
  return now - lastSign > quiet ? told("hung", lastSign) : told(state, since);
}

const told = (shown: ShownState, since: number): Standing => ({ shown, words: WORDS[shown], since });

/** States in which something is wrong: red, and ahead of all others. */
const WRONG: ReadonlySet<ShownState> = new Set(["failed", "deaf", "lost", "hung"]);

export const isWrong = (shown: ShownState): boolean => WRONG.has(shown);

/** Whether a person has to do something: about what is wrong, or because they are asked. */
export const needsPerson = (shown: ShownState): boolean => shown === "waiting" || isWrong(shown);

/** Whether it is shown among those that live: it does, or it failed and nobody has dismissed it. */
export const isListed = ({ state, dismissed }: Pick<Agent, "state" | "dismissed">): boolean =>
  state !== "RELEASED" && !(state === "FAILED" && dismissed);

/** From most to least in need of a look. */
const URGENCY: ShownState[] = [
  "failed",
  "deaf",
  "lost",
  "hung",
  "waiting",
  "working",
  "starting",
  "releasing",
  "paused",
  "idle",
  "released",
];

/** What a session's agents amount to: the most urgent state, and how many live. */
export function sessionState(
  agents: readonly (Stated & { ended: boolean })[],
  now: number,
): { dot: ShownState; words: string; live: number } {
  const listed = agents.filter(isListed);
  const states = new Set(listed.map((agent) => standing(agent, now).shown));
  const dot = URGENCY.find((state) => states.has(state)) ?? "released";
  return {
    dot,
    words: listed.length > 0 ? WORDS[dot] : texts.live.noAgents,
    live: agents.filter((agent) => !agent.ended).length,
  };
}
