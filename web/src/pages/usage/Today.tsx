import { useEffect } from "react";
import { useQuery } from "urql";
import { classes } from "~/design/classes";
import { grouped } from "~/design/number";
import { shortClock, whole } from "~/design/time";
import { said } from "~/live/http";
import type { ResultOf } from "~/live/graphql";
import { MESSAGES_TODAY } from "./documents";
import * as texts from "~/texts";

const AGAIN_MS = 15_000;
/** From here on the limit is near. */
const NEAR = 0.8;

type Limits = ResultOf<typeof MESSAGES_TODAY>["workspace"]["limits"];

/** What the plan allows beside messages, in a line. */
function allowed({ agents, members, logDays }: Limits) {
  return [
    texts.usage.planAgents(agents === null ? null : grouped(agents)),
    texts.usage.planPeople(members === null ? null : grouped(members)),
    texts.usage.planLogs(grouped(logDays)),
  ].join(" · ");
}

/** How many messages were accepted today, and how many the plan allows. */
export function Today() {
  const [{ data, error }, again] = useQuery({ query: MESSAGES_TODAY, requestPolicy: "cache-and-network" });
  useEffect(() => {
    const timer = setInterval(() => {
      if (document.visibilityState === "visible") again({ requestPolicy: "network-only" });
    }, AGAIN_MS);
    return () => clearInterval(timer);
  }, [again]);
  if (error && !data) return <p className="text-bad">{said(error)}</p>;
  const today = data?.workspace.messagesToday;
  if (!today) return <div className="h-20" />;
  const { count, limit } = today;
  const resets = Date.parse(today.resetsAt);
  const part = limit === null || limit === 0 ? 0 : Math.min(count / limit, 1);
  return (
    <section aria-labelledby="today" className="rounded-xl border border-line p-4">
      <div className="flex flex-wrap items-baseline gap-x-3 gap-y-1">
        <h2 id="today" className="text-xs text-faint">
          {texts.usage.messagesToday}
        </h2>
        <span className="ml-auto text-2xs text-faint">
          {data.workspace.plan.toLowerCase()} {texts.usage.planResets}{" "}
          <time dateTime={today.resetsAt} title={whole(resets)}>
            {shortClock(resets)}
          </time>
        </span>
      </div>
      <p className="mt-1 text-xl font-semibold tabular-nums">
        {grouped(count)}
        <span className="text-base font-normal text-faint">
          {" "}
          {limit === null ? texts.usage.unlimited : texts.usage.ofLimit(grouped(limit))}
        </span>
      </p>
      {limit !== null && (
        <div
          role="meter"
          aria-label={texts.usage.messagesToday}
          aria-valuemin={0}
          aria-valuemax={limit}
          aria-valuenow={Math.min(count, limit)}
          className="mt-3 h-2 overflow-hidden rounded-full bg-active"
        >
          <div
            className={classes(
              "h-full rounded-full",
              part >= 1 ? "bg-bad" : part >= NEAR ? "bg-warn" : "bg-accent",
            )}
            style={{ width: `${part * 100}%` }}
          />
        </div>
      )}
      {limit !== null && part >= 1 && <p className="mt-2 text-xs text-bad">{texts.usage.limitReached}</p>}
      <p className="mt-3 text-xs text-faint">{allowed(data.workspace.limits)}</p>
    </section>
  );
}
