import { reasonWords } from "~/live/reasons";
import type { Delivery } from "./entries";
import * as texts from "~/texts";

export const STEPS: Readonly<Record<string, string>> = {
  accepted: texts.session.accepted,
  queued: texts.session.queued,
  sent: texts.session.sent,
  received: texts.session.received,
  handed: texts.session.handed,
  in_turn: texts.session.inTurn,
  answered: texts.session.answered,
  undeliverable: texts.session.undeliverable,
};

const BECAUSE: Readonly<Record<string, string>> = {
  agent_busy: texts.session.busy,
  agent_starting: texts.session.agentStarting,
  stopped: texts.session.stopped,
  budget_spent: texts.session.budgetSpent,
  budget_held: texts.session.budgetHeld,
  proxy_away: texts.session.away,
};

const OVER: ReadonlySet<string> = new Set(["answered", "undeliverable"]);

/** Whether something may still become of it. */
export const isOpen = ({ state }: Delivery): boolean => !OVER.has(state);

/** How far a message got, and why no further. What held it up at first counts no more once its agent's machine is away. */
export function deliveryWords(delivery: Delivery, isAway: boolean): string {
  const { state, because, reason } = delivery;
  const words = STEPS[state] ?? state;
  if (state === "undeliverable") return reason ? `${words}: ${reasonWords(reason)}` : words;
  if (isAway && isOpen(delivery))
    return state === "queued" ? `${words}: ${texts.session.away}` : texts.session.waitsForMachine;
  return state === "queued" && because ? `${words}: ${BECAUSE[because] ?? because}` : words;
}
