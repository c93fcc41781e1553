import { classes } from "~/design/classes";
import { Icon } from "~/design/Icon";
import { duration } from "~/design/time";
import { useAwayAgents } from "./useAwayAgents";
import { deliveryWords, isOpen, STEPS } from "./model/deliveryWords";
import type { Delivery, MessageEntry } from "./model/entries";
import * as texts from "~/texts";

/** How far a message got: in a word, and on demand every step with its time. */
export function Receipts({ message }: { message: MessageEntry }) {
  if (message.deliveries.length === 0) return null;
  return message.deliveries.some(isOpen) ? (
    <Open message={message} />
  ) : (
    <Steps message={message} away={NOBODY} />
  );
}

const NOBODY: ReadonlySet<string> = new Set();

/** Agents are followed only for a message that something may still become of. */
function Open({ message }: { message: MessageEntry }) {
  return <Steps message={message} away={useAwayAgents()} />;
}

function Steps({ message, away }: { message: MessageEntry; away: ReadonlySet<string> }) {
  const { deliveries } = message;
  return (
    <details className="text-xs">
      <summary className="flex w-fit list-none items-center gap-1.5 rounded text-faint select-none hover:text-text [&::-webkit-details-marker]:hidden">
        <Sign deliveries={deliveries} />
        {summary(message, away)}
      </summary>
      <ul className="mt-1.5 flex flex-col gap-2 border-l border-line pl-3">
        {deliveries.map((delivery) => (
          <li key={delivery.agent}>
            <p className="text-soft">
              {delivery.name}: {deliveryWords(delivery, away.has(delivery.agent))}
            </p>
            <ol className="flex flex-wrap gap-x-3 text-2xs text-faint tabular-nums">
              {delivery.steps.map((step) => (
                <li key={`${step.state} ${step.at}`}>
                  {STEPS[step.state] ?? step.state} +{duration(step.at - message.at)}
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

function summary(message: MessageEntry, away: ReadonlySet<string>): string {
  const { deliveries } = message;
  const [only] = deliveries;
  if (deliveries.length === 1 && only)
    return withTime(deliveryWords(only, away.has(only.agent)), only, message.at);
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
