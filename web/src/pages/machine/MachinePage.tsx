import { getRouteApi, Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { Badge } from "~/design/Badge";
import { Empty } from "~/design/Empty";
import { useNow } from "~/design/now";
import { PageHead } from "~/design/PageHead";
import { StateDot } from "~/design/StateDot";
import { Table } from "~/design/Table";
import { duration, whole } from "~/design/time";
import { Words } from "~/design/Words";
import { isListed, standing } from "~/live/agentState";
import type { Agent, Proxy } from "~/live/documents";
import { useWorkspace } from "~/live/LiveContext";
import { useReadable } from "~/live/useReadable";
import { Stopping } from "~/pages/home/Machines";
import type { Load, Policy } from "./documents";
import { averages, policyMark, used } from "./load";
import { useTold } from "./useTold";
import { whose } from "./whose";
import * as texts from "~/texts";

const route = getRouteApi("/shell/machine/$key");

/** One machine: what runs there, what it can run, and what it lets agents do. */
export function MachinePage() {
  const { key } = route.useParams();
  const workspace = useWorkspace();
  const overview = useReadable(workspace.overview);
  // What stands below the agents would be drawn higher up first.
  const followed = useReadable(workspace.agents).state;
  if (overview.state !== "ready" || followed === "loading") return <PageHead title={texts.machine.machine} />;
  const machine = overview.value.workspace.proxies?.nodes.find((one) => one.key === key);
  if (!machine)
    return (
      <>
        <PageHead title={texts.machine.machine} />
        <Empty title={texts.machine.notHere}>{texts.machine.notHereHow}</Empty>
      </>
    );
  return (
    <>
      <PageHead title={machine.name} actions={<Stopping machine={machine} />}>
        <Badge tone={machine.online ? "good" : "bad"}>
          {machine.online ? texts.machine.online : texts.machine.away}
        </Badge>
        <Since machine={machine} />
      </PageHead>
      <div className="mx-auto flex w-full max-w-5xl flex-col gap-8 px-4 py-6">
        {!machine.online && <p className="text-soft">{texts.machine.awayHow}</p>}
        <Agents machine={machine} />
        <Programs machine={machine} />
        <Part title={texts.machine.about}>
          <Facts
            facts={[
              [texts.machine.version, machine.version],
              [texts.machine.owner, whose(machine)],
              [texts.machine.labels, machine.labels.join(", ") || texts.machine.none],
            ]}
          />
        </Part>
        <Told machine={machine} />
      </div>
    </>
  );
}

function Since({ machine }: { machine: Proxy }) {
  const now = useNow();
  const since = Date.parse(machine.since);
  const time = duration(Math.max(1000, now - since));
  return (
    <span className="text-xs text-faint" title={whole(since)}>
      {machine.online ? texts.machine.onlineFor(time) : texts.machine.awayFor(time)}
    </span>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section>
      <h2 className="mb-2 text-xs text-faint">{title}</h2>
      {children}
    </section>
  );
}

function Facts({ facts }: { facts: readonly (readonly [string, ReactNode])[] }) {
  return (
    <dl className="grid grid-cols-[minmax(8rem,14rem)_1fr] gap-x-4 gap-y-1.5">
      {facts.map(([name, value]) => (
        <div key={name} className="contents">
          <dt className="text-faint">{name}</dt>
          <dd className="min-w-0 break-words">{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Agents({ machine }: { machine: Proxy }) {
  const { agents, overview } = useWorkspace();
  const all = useReadable(agents);
  const known = useReadable(overview);
  const now = useNow();
  const sessions = known.state === "ready" ? known.value.workspace.sessions.nodes : [];
  const here = (all.state === "ready" ? all.value : []).filter(
    (agent) => agent.proxyKey === machine.key && isListed(agent),
  );
  return (
    <Part title={texts.machine.agents}>
      {here.length === 0 ? (
        <p className="text-faint">{texts.machine.noAgents}</p>
      ) : (
        <Table
          caption={texts.machine.agents}
          rows={here}
          rowKey={(agent) => agent.key}
          columns={[
            { title: texts.machine.agent, cell: (agent) => <Name agent={agent} /> },
            { title: texts.machine.state, cell: (agent) => <Stands agent={agent} now={now} /> },
            {
              title: texts.machine.session,
              cell: (agent) => (
                <OneLine>{sessions.find((one) => one.key === agent.sessionKey)?.name}</OneLine>
              ),
            },
            { title: texts.machine.folder, cell: (agent) => <OneLine>{agent.cwd}</OneLine> },
          ]}
        />
      )}
    </Part>
  );
}

/** A name that is no words: where the screen is narrow, the table scrolls sideways instead. */
function OneLine({ children }: { children: ReactNode }) {
  return <span className="whitespace-nowrap">{children}</span>;
}

function Name({ agent }: { agent: Agent }) {
  return (
    <Link
      to="/session/$key"
      params={{ key: agent.sessionKey }}
      search={{ agent: agent.name }}
      className="font-medium hover:underline"
    >
      {agent.name}
    </Link>
  );
}

function Stands({ agent, now }: { agent: Agent; now: number }) {
  const { shown, words, since } = standing(agent, now);
  return (
    <span className="flex items-center gap-2" title={whole(since)}>
      <StateDot state={shown} />
      {words}
    </span>
  );
}

function Programs({ machine }: { machine: Proxy }) {
  return (
    <Part title={texts.machine.programs}>
      {machine.clis.length === 0 && <p className="text-faint">{texts.machine.noPrograms}</p>}
      <ul className="flex flex-col gap-1.5">
        {machine.clis.map((cli) => (
          <li key={cli.cli} className="flex flex-wrap items-baseline gap-x-2">
            <span className="font-medium">{cli.cli}</span>
            <span className="text-faint">
              {[cli.version, texts.machine.over(cli.transport)].filter(Boolean).join(" ")}
            </span>
            {cli.problem === null ? (
              <Badge tone="good">{texts.machine.ready}</Badge>
            ) : (
              <span className="min-w-0 break-words text-warn">
                <Words text={cli.problem} />
              </span>
            )}
          </li>
        ))}
      </ul>
    </Part>
  );
}

/** What the machine itself tells. */
function Told({ machine }: { machine: Proxy }) {
  const { found, waits } = useTold(machine.id, machine.since);
  const nothing = waits ? texts.shared.loading : texts.machine.notTold;
  return (
    <>
      <Part title={texts.machine.load}>
        {found?.load ? (
          <LoadFacts load={found.load} />
        ) : (
          <p className="text-faint">{found ? texts.machine.loadUntold : nothing}</p>
        )}
      </Part>
      <Part title={texts.machine.policy}>
        {found?.policy ? (
          <PolicyFacts policy={found.policy} />
        ) : (
          <p className={found ? undefined : "text-faint"}>{found ? texts.machine.noPolicy : nothing}</p>
        )}
      </Part>
    </>
  );
}

function LoadFacts({ load }: { load: Load }) {
  const now = useNow();
  const at = Date.parse(load.at);
  return (
    <>
      <Facts
        facts={[
          [texts.machine.averagesOver, averages(load)],
          [texts.machine.memory, used(load.memoryBytes, load.memoryFreeBytes)],
          [texts.machine.disk, used(load.diskBytes, load.diskFreeBytes)],
        ]}
      />
      <p className="mt-3 text-xs text-faint" title={whole(at)}>
        {texts.machine.loadAt(duration(Math.max(1000, now - at)))}
      </p>
    </>
  );
}

function PolicyFacts({ policy }: { policy: Policy }) {
  return (
    <>
      {policy.problem !== null && (
        <p className="mb-2 text-bad">
          <Words text={policy.problem} />
        </p>
      )}
      <Facts
        facts={[
          [
            texts.machine.folders,
            <ul key="folders">
              {policy.folders.map((folder) => (
                <li key={folder}>
                  <code>{folder}</code>
                </li>
              ))}
            </ul>,
          ],
          [texts.machine.whichPrograms, policy.programs?.join(", ") ?? texts.machine.everyProgram],
          [texts.machine.whoMaySpawn, policy.whoMaySpawn],
          [texts.machine.agentsMaySpawn, policy.agentsMaySpawn],
          [texts.machine.mostAgents, policy.mostAgents],
          [
            texts.machine.asks,
            policy.strict ? texts.machine.everythingAsked : policy.asks.join(", ") || texts.machine.none,
          ],
          [texts.machine.terminal, policy.terminal ? texts.machine.yes : texts.machine.no],
          [
            texts.machine.policyHash,
            <code key="hash" title={policy.hash ?? undefined}>
              {policyMark(policy.hash)}
            </code>,
          ],
          [
            texts.machine.policySince,
            policy.since === null ? texts.machine.unknown : whole(Date.parse(policy.since)),
          ],
        ]}
      />
      <p className="mt-3 text-xs text-faint">
        <Words text={texts.machine.policyHow} />
      </p>
    </>
  );
}
