import { useState } from "react";
import { useQuery } from "urql";
import { NothingYet } from "~/acting/NothingYet";
import { Select } from "~/acting/Field";
import { Empty } from "~/design/Empty";
import { PageHead } from "~/design/PageHead";
import { said } from "~/live/wire/http";
import { useWorkspace } from "~/live/LiveContext";
import { useReadable } from "~/live/useReadable";
import { startCommand } from "~/live/startCommand";
import { BudgetList } from "./BudgetList";
import { ByAgent } from "./ByAgent";
import { ByDay } from "./ByDay";
import { ByName } from "./ByName";
import { USED } from "./documents";
import { DAYS, everyDay, lastDays, total } from "./model/days";
import { PauseList } from "./PauseList";
import { PlanAndBilling } from "./PlanAndBilling";
import { Totals } from "./Totals";
import * as texts from "~/texts";

const SPANS = [7, DAYS, 90, 365];

/** The plan and what is used of it, budgets, and what was used by day, agent, session, person and model. */
export function UsagePage() {
  const overview = useReadable(useWorkspace().overview);
  const [count, setCount] = useState(DAYS);
  if (overview.state !== "ready") return <PageHead title={texts.usage.title} />;
  const { permissions, role } = overview.value.viewer;
  if (!permissions.includes("METER")) return <NotShown role={role} />;
  const choice = (
    <Select
      aria-label={texts.usage.days}
      className="!h-7 !w-auto text-xs"
      value={count}
      onChange={(event) => setCount(Number(event.target.value))}
    >
      {SPANS.map((days) => (
        <option key={days} value={days}>
          {texts.usage.last(days)}
        </option>
      ))}
    </Select>
  );
  return (
    <>
      <PageHead title={texts.usage.title} actions={choice} />
      <div className="mx-auto flex w-full max-w-5xl flex-col gap-6 px-4 py-6">
        <PlanAndBilling />
        <BudgetList />
        <PauseList />
        <Used key={count} count={count} />
      </div>
    </>
  );
}

function NotShown({ role }: { role: string | null }) {
  return (
    <>
      <PageHead title={texts.usage.title} />
      <Empty title={texts.usage.noAccess}>
        {role ? texts.usage.noAccessAs(role.toLowerCase()) : texts.usage.noAccessGuest}
      </Empty>
    </>
  );
}

function Used({ count }: { count: number }) {
  const [{ since, until }] = useState(() => lastDays(count, Date.now()));
  const [{ data, error }] = useQuery({
    query: USED,
    variables: { since, until },
    requestPolicy: "cache-and-network",
  });
  if (error && !data) return <Empty title={texts.usage.notRead}>{said(error)}</Empty>;
  if (!data) return <p className="text-faint">{texts.usage.counting}</p>;
  const { days, agents } = data.workspace;
  if (days.length === 0 && agents.length === 0)
    return (
      <NothingYet
        title={texts.usage.nothing}
        how={texts.acting.runInFolder}
        command={startCommand(undefined)}
      >
        {texts.usage.nothingWhat}
      </NothingYet>
    );
  return (
    <>
      <Totals all={total(days)} count={count} />
      <ByDay days={everyDay(since, until, days)} />
      <ByAgent rows={agents} />
      <ByName since={since} until={until} />
    </>
  );
}
