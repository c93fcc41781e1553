import { useCallback, useEffect, useState } from "react";
import { usePermissions } from "~/acting/usePermissions";
import { Button } from "~/design/Button";
import { grouped, money } from "~/design/number";
import { shortClock, whole } from "~/design/time";
import { ask, type Answer, type Method } from "~/live/wire/ask";
import { dayOf } from "./model/days";
import { Bar } from "./Bar";
import type { Beyond, Billing, Limit, MonthCost, Standing, Terms } from "./billing";
import { Invoices } from "./Invoices";
import * as texts from "~/texts";

const AGAIN_MS = 15_000;

/** The plan, what is used of it, and what is paid for it. */
export function PlanAndBilling() {
  const [standing, setStanding] = useState<Answer<Standing>>();
  const [billing, setBilling] = useState<Answer<Billing>>();
  const mayChange = usePermissions().has("BILL");
  const read = useCallback(() => {
    void ask<Standing>("/v1/plan").then(setStanding);
    void ask<Billing>("/v1/billing").then(setBilling);
  }, []);
  useEffect(() => {
    read();
    const timer = setInterval(() => {
      if (document.visibilityState === "visible") read();
    }, AGAIN_MS);
    return () => clearInterval(timer);
  }, [read]);
  if (!standing || !billing) return <div className="h-40" />;
  if ("refused" in standing) return <p className="text-bad">{standing.refused}</p>;
  if ("refused" in billing) return <p className="text-bad">{billing.refused}</p>;
  const { value: plan } = standing;
  const { value: paid } = billing;
  const mine = plan.plans.find((one) => one.plan === paid.plan);
  return (
    <section aria-labelledby="plan" className="rounded-xl border border-line p-4">
      <h2 id="plan" className="text-xs text-faint">
        {texts.billing.title}
      </h2>
      <p className="mt-1 flex flex-wrap items-baseline gap-x-3 text-xl font-semibold">
        {mine?.title ?? paid.plan}
        <span className="text-sm font-normal text-faint">{mine && price(mine)}</span>
      </p>
      <p
        className={paid.phase === "grace" || paid.phase === "read_only" ? "mt-1 text-bad" : "mt-1 text-soft"}
      >
        {said(paid)}
      </p>
      <ul className="mt-3 flex flex-col gap-3">
        {plan.limits.map((limit) => (
          <Used key={limit.what} limit={limit} />
        ))}
      </ul>
      <Pace month={plan.month} />
      <BeyondPlan beyond={plan.beyond} />
      <p className="mt-3 text-xs text-faint">{texts.billing.logs(grouped(plan.log_days))}</p>
      {paid.configured && mayChange && <Choices paid={paid} plans={plan.plans} changed={read} />}
      {paid.configured && mayChange && paid.phase !== "none" && <Invoices />}
    </section>
  );
}

function said(paid: Billing): string {
  if (!paid.configured) return texts.billing.notConfigured;
  return texts.billing.phase(paid.phase, paid.until_ms === null ? "" : dayOf(paid.until_ms));
}

function price(terms: Terms): string {
  return texts.billing.price(money(terms.price_cents / 100), terms.per_seat);
}

function Used({ limit: { what, used, limit, over, resets_at_ms: resets } }: { limit: Limit }) {
  const name = texts.billing.limit(what);
  return (
    <li>
      <p className="mb-1 flex flex-wrap items-baseline gap-x-3 text-sm">
        <span>{name}</span>
        <span className="text-soft tabular-nums">
          {limit === null
            ? texts.billing.unlimited(grouped(used))
            : texts.billing.spentOf(grouped(used), grouped(limit))}
        </span>
        {limit !== null && resets !== null && (
          <span className="text-faint">
            {texts.billing.resets}{" "}
            <time dateTime={new Date(resets).toISOString()} title={whole(resets)}>
              {shortClock(resets)}
            </time>
            {used >= limit && <span className="text-bad"> · {texts.billing.reached}</span>}
          </span>
        )}
        {over > 0 && <span className="text-bad">{texts.billing.over(grouped(over))}</span>}
      </p>
      {limit !== null && <Bar label={name} used={used} limit={limit} />}
    </li>
  );
}

/** What this month comes to; nothing as long as that cannot be said, or is nothing. */
function Pace({ month }: { month: MonthCost | null }) {
  if (!month?.projected_usd) return null;
  const end = texts.billing.atThisPace(money(month.projected_usd), month.estimated_usd > 0);
  return <p className="mt-3 text-sm text-soft">{end}</p>;
}

/** What the plan before allowed: it stays, and what becomes of it. */
function BeyondPlan({ beyond }: { beyond: readonly Beyond[] }) {
  if (beyond.length === 0) return null;
  return (
    <div className="mt-3 rounded-lg bg-warn-soft px-3 py-2 text-warn">
      <h3 className="font-medium">{texts.billing.beyond}</h3>
      <ul aria-label={texts.billing.beyond} className="mt-1 flex list-disc flex-col gap-1 pl-4 text-sm">
        {beyond.map(({ what, count, until_ms: until, safe_until_ms: safe }) => (
          <li key={what}>
            {until !== null && safe !== null
              ? texts.billing.logsBeyond(dayOf(safe), dayOf(until))
              : texts.billing.stays(what, grouped(count ?? 0))}
          </li>
        ))}
      </ul>
    </div>
  );
}

interface ChoicesProps {
  paid: Billing;
  plans: readonly Terms[];
  changed: () => void;
}

/** What can be done about it; where a person has to pay, Stripe's page is next. */
function Choices({ paid, plans, changed }: ChoicesProps) {
  const [refused, setRefused] = useState("");
  const [busy, setBusy] = useState(false);
  const act = async (method: Method, path: string, body?: object) => {
    setBusy(true);
    const answer = await ask<{ url?: string | null }>(path, method, body);
    setBusy(false);
    setRefused("refused" in answer ? answer.refused : "");
    if ("value" in answer && answer.value.url) window.location.assign(answer.value.url);
    else changed();
  };
  const isLive = !["none", "ended"].includes(paid.phase);
  return (
    <div className="mt-4 flex flex-wrap gap-2">
      {plans
        .filter((one) => one.price_cents > 0 && (one.plan !== paid.plan || !isLive))
        .map((one) => (
          <Button
            key={one.plan}
            look="primary"
            disabled={busy}
            onClick={() => void act("PUT", "/v1/billing/plan", { plan: one.plan })}
          >
            {texts.billing.choose(one.title, price(one))}
          </Button>
        ))}
      {isLive && (
        <Button disabled={busy} onClick={() => void act("POST", "/v1/billing/portal")}>
          {texts.billing.portal}
        </Button>
      )}
      {isLive && paid.phase !== "ending" && (
        <Button look="danger" disabled={busy} onClick={() => void act("POST", "/v1/billing/cancel")}>
          {texts.billing.cancel}
        </Button>
      )}
      {paid.phase === "ending" && (
        <Button disabled={busy} onClick={() => void act("POST", "/v1/billing/keep")}>
          {texts.billing.keep}
        </Button>
      )}
      {refused && (
        <p role="alert" className="w-full text-bad">
          {refused}
        </p>
      )}
    </div>
  );
}
