import { classes } from "~/design/classes";
import { Icon } from "~/design/Icon";
import { duration } from "~/design/time";
import type { Delivery, MessageEntry } from "./model/entries";
import * as texts from "~/texts";

const WORDS: Record<string, string> = {
  accepted: texts.session.accepted,
  queued: texts.session.queued,
  sent: texts.session.sent,
  received: texts.session.received,
  handed: texts.session.handed,
  in_turn: texts.session.inTurn,
  answered: texts.session.answered,
  undeliverable: texts.session.undeliverable,
};

const BECAUSE: Record<string, string> = {
  agent_busy: texts.session.busy,
  agent_starting: texts.session.agentStarting,
  stopped: texts.session.stopped,
  budget_spent: texts.session.budgetSpent,
  budget_held: texts.session.budgetHeld,
  proxy_away: texts.session.away,
};

/** How far a message got: in a word, and on demand every step with its time. */
export function Receipts({ message }: { message: MessageEntry }) {
  const { deliveries } = message;
  if (deliveries.length === 0) return null;
  return (
    <details className="text-xs">
      <summary className="flex w-fit list-none items-center gap-1.5 rounded text-faint select-none hover:text-text [&::-webkit-details-marker]:hidden">
        <Sign deliveries={deliveries} />
        {summary(message)}
      </summary>
      <ul className="mt-1.5 flex flex-col gap-2 border-l border-line pl-3">
        {deliveries.map((delivery) => (
          <li key={delivery.agent}>
            <p className="text-soft">
              {delivery.name}: {words(delivery)}
            </p>
            <ol className="flex flex-wrap gap-x-3 text-2xs text-faint tabular-nums">
              {delivery.steps.map((step) => (
                <li key={`${step.state} ${step.at}`}>
                  {WORDS[step.state] ?? step.state} +{duration(step.at - message.at)}
                </li>
              ))}
            </ol>
          </li>
        ))}
      </ul>
    </details>
  );
}

function Sign({ deliveries }: { deliveries: readonly Delivery[] }) {
  const failed = deliveries.some((one) => one.state === "undeliverable");
  const answered = deliveries.every((one) => one.state === "answered");
  return (
    <Icon
      name={failed ? "warning" : answered ? "check" : "send"}
      width="12"
      height="12"
      className={classes(failed ? "text-bad" : answered ? "text-good" : "text-faint")}
    />
  );
}

function summary(message: MessageEntry): string {
  const { deliveries } = message;
  const [only] = deliveries;
  if (deliveries.length === 1 && only) return withTime(words(only), only, message.at);
  const done = deliveries.filter((one) => one.state === "answered").length;
  const failed = deliveries.filter((one) => one.state === "undeliverable").length;
  return [texts.session.answeredBy(done, deliveries.length), failed > 0 && texts.session.notDelivered(failed)]
    .filter(Boolean)
    .join(", ");
}

function withTime(said: string, delivery: Delivery, acceptedAt: number): string {
  const last = delivery.steps.at(-1);
  return delivery.state === "answered" && last
    ? texts.session.after(said, duration(last.at - acceptedAt))
    : said;
}

function words({ state, because, reason }: Delivery): string {
  const why =
    state === "undeliverable" ? reason : state === "queued" && because && (BECAUSE[because] ?? because);
  return `${WORDS[state] ?? state}${why ? `: ${why}` : ""}`;
}
