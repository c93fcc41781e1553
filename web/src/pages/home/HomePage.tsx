import { Link } from "@tanstack/react-router";
import { SpawnButton } from "~/acting/SpawnButton";
import { startCommand } from "~/pages/activity/startCommand";
import { AgentName } from "~/design/AgentName";
import { Badge } from "~/design/Badge";
import { Empty } from "~/design/Empty";
import { useNow } from "~/design/now";
import { PageHead } from "~/design/PageHead";
import { StateDot } from "~/design/StateDot";
import { dayOrClock } from "~/design/time";
import { sessionState, shownState, stateWords } from "~/live/agentState";
import type { Agent, Session } from "~/live/documents";
import { useWorkspace } from "~/live/LiveContext";
import { useReadable } from "~/live/useReadable";
import { Machines } from "./Machines";
import * as texts from "~/texts";

/** All sessions, with what goes on in each, and the machines agents can run on. */
export function HomePage() {
  const { overview, agents } = useWorkspace();
  const known = useReadable(overview);
  const all = useReadable(agents);
  if (known.state === "failed")
    return (
      <>
        <PageHead title={texts.home.title} />
        <Empty title={texts.home.notRead}>{known.message}</Empty>
      </>
    );
  const sessions = known.state === "ready" ? known.value.workspace.sessions.nodes : [];
  const machines = known.state === "ready" ? (known.value.workspace.proxies?.nodes ?? []) : [];
  return (
    <>
      <PageHead title={texts.home.title} actions={<SpawnButton />} />
      <div className="mx-auto flex w-full max-w-4xl flex-col gap-10 px-4 py-6">
        {known.state === "ready" && sessions.length === 0 ? (
          <Empty title={texts.home.noSessions} command={startCommand(undefined)}>
            {texts.home.noSessionsHow}
          </Empty>
        ) : (
          <section aria-labelledby="sessions">
            <h2 id="sessions" className="mb-2 px-1 text-xs text-faint">
              {texts.home.sessions}
            </h2>
            <ul className="overflow-hidden rounded-xl border border-line">
              {sessions.map((session) => (
                <SessionRow
                  key={session.key}
                  session={session}
                  agents={
                    all.state === "ready" ? all.value.filter((one) => one.sessionKey === session.key) : []
                  }
                />
              ))}
            </ul>
          </section>
        )}
        {known.state === "ready" && <Machines machines={machines} />}
      </div>
    </>
  );
}

function SessionRow({ session, agents }: { session: Session; agents: readonly Agent[] }) {
  const now = useNow();
  const state = sessionState(agents);
  const living = agents.filter((agent) => !agent.ended);
  const waiting = living.reduce((sum, agent) => sum + agent.waitingApprovals, 0);
  return (
    <li className="border-b border-line last:border-0">
      <Link
        to="/session/$key"
        params={{ key: session.key }}
        className="flex flex-wrap items-center gap-x-3 gap-y-1 px-4 py-3 outline-offset-[-2px] transition-colors hover:bg-hover"
      >
        <StateDot state={state.dot} label={state.words} />
        <span className="min-w-0 flex-1 truncate font-medium">{session.name}</span>
        {waiting > 0 && (
          <Badge tone="warn">{waiting === 1 ? texts.home.oneWaits : texts.home.waiting(waiting)}</Badge>
        )}
        <time dateTime={session.createdAt} className="text-2xs text-faint tabular-nums">
          {dayOrClock(Date.parse(session.createdAt), now)}
        </time>
        {living.length > 0 && (
          <span className="flex w-full flex-wrap gap-x-4 gap-y-1 pl-6.5 text-xs text-faint">
            {living.slice(0, 8).map((agent) => (
              <span key={agent.key} className="flex min-w-0 items-center gap-1.5">
                <StateDot state={shownState(agent)} />
                <AgentName name={agent.name} />
                <span className="truncate">{stateWords(agent)}</span>
              </span>
            ))}
            {living.length > 8 && <span>{texts.home.andMore(living.length - 8)}</span>}
          </span>
        )}
      </Link>
    </li>
  );
}
