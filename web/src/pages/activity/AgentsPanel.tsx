import { memo, Suspense } from "react";
import { AnswerButton } from "~/answering/AnswerButton";
import { Avatar } from "~/design/Avatar";
import { AgentName } from "~/design/AgentName";
import { classes } from "~/design/classes";
import { useNow } from "~/design/now";
import { compact, money } from "~/design/number";
import { Seen } from "~/design/Seen";
import { StateDot } from "~/design/StateDot";
import { ago, duration } from "~/design/time";
import { useWorkspace } from "~/live/LiveContext";
import { useReadable } from "~/live/useReadable";
import { isListed, standing } from "~/live/agentState";
import type { Budget } from "~/live/budgets";
import type { Agent } from "~/live/documents";
import { useBudgets } from "~/live/useBudgets";
import { lazily } from "~/live/wire/code";
import { spawnTree, type Branch } from "./model/spawnTree";
import { currentTask } from "./model/currentTask";
import { BudgetLines } from "./BudgetLines";
import { useAgentUsage, type AgentUsage } from "./usage";
import type { Entry } from "./model/entries";
import * as texts from "~/texts";

// What opens on a click need not be there for the first picture.
const AgentMenu = lazily(() => import("~/acting/AgentMenu").then((m) => ({ default: m.AgentMenu })));
const Pauses = lazily(() => import("./Pauses").then((m) => ({ default: m.Pauses })));

interface AgentsPanelProps {
  session: string;
  agents: readonly Agent[];
  entries: readonly Entry[];
  chosen: string | undefined;
  onChoose: (agent: string | undefined) => void;
}

/** Who takes part: what each does now, where it runs, who spawned it, what it cost. */
export const AgentsPanel = memo(function AgentsPanel({
  session,
  agents,
  entries,
  chosen,
  onChoose,
}: AgentsPanelProps) {
  const usage = useAgentUsage(session, entries);
  const living = spawnTree(agents.filter(isListed));
  const ended = agents.filter((agent) => !isListed(agent));
  const { budgets } = useBudgets();
  const panel = { usage, budgets, entries, chosen, onChoose };
  const item = (branch: Branch) => <AgentItem key={branch.agent.key} branch={branch} {...panel} />;
  return (
    <div className="flex flex-col p-2">
      <div className="px-2">
        <BudgetLines budgets={budgets} of={session} />
      </div>
      {agents.length === 0 && <NoAgents />}
      <ul className="flex flex-col">{living.map(item)}</ul>
      {ended.length > 0 && (
        <details
          className={classes(living.length > 0 && "mt-2 border-t border-line pt-2")}
          open={living.length === 0}
        >
          <summary className="rounded px-2 py-1 text-xs text-faint select-none hover:text-text">
            {ended.length} {texts.session.ended}
          </summary>
          <ul className="flex flex-col">{ended.map((agent) => item({ agent, children: [] }))}</ul>
        </details>
      )}
      <Suspense>
        <Pauses session={session} agent={agents.find(({ name }) => name === chosen)} budgets={budgets} />
      </Suspense>
    </div>
  );
});

function NoAgents() {
  const all = useReadable(useWorkspace().agents);
  const words = {
    loading: texts.shared.loading,
    ready: texts.session.noAgentsYet,
    failed: texts.session.agentsNotRead,
  };
  return <p className="px-2 py-6 text-center text-faint">{words[all.state]}</p>;
}

interface AgentItemProps extends Omit<AgentsPanelProps, "session" | "agents"> {
  branch: Branch;
  usage: ReadonlyMap<string, AgentUsage>;
  budgets: readonly Budget[];
}

function AgentItem({ branch, ...panel }: AgentItemProps) {
  const { agent, children } = branch;
  const { usage, budgets, entries, chosen, onChoose } = panel;
  const pressed = chosen === agent.name;
  return (
    <li>
      <div className="relative">
        <button
          type="button"
          aria-pressed={pressed}
          onClick={() => onChoose(pressed ? undefined : agent.name)}
          title={pressed ? texts.session.showEverybody : texts.session.showOnly(agent.name)}
          className={classes(
            "flex w-full gap-2.5 rounded-lg px-2 py-2 text-left transition-colors hover:bg-hover",
            pressed && "bg-accent-soft",
          )}
        >
          <Avatar name={agent.name} size={26} />
          <span className="min-w-0 flex-1">
            <span className="flex items-center gap-2">
              <span className="truncate">
                <AgentName name={agent.name} />
              </span>
              <Since agent={agent} />
            </span>
            <Doing agent={agent} entries={entries} />
            <Where agent={agent} usage={usage.get(agent.name)} />
            <BudgetLines budgets={budgets} of={agent.key} />
          </span>
        </button>
        <span className="absolute right-1 bottom-1">
          <Suspense>
            <AgentMenu agent={agent} />
          </Suspense>
        </span>
      </div>
      <Asks agent={agent} />
      {children.length > 0 && (
        <ul
          aria-label={texts.session.spawnedBy(agent.name)}
          className="ml-4 flex flex-col border-l border-line pl-1.5"
        >
          {children.map((child) => (
            <AgentItem key={child.agent.key} branch={child} {...panel} />
          ))}
        </ul>
      )}
    </li>
  );
}

/** The way to answer what it asks, the longest waiting first. */
function Asks({ agent }: { agent: Agent }) {
  const all = useReadable(useWorkspace().waiting);
  const asked = all.state === "ready" ? all.value.find((one) => one.agentKey === agent.key) : undefined;
  // Where it asks something that is not told yet, there is the room for it.
  if (!asked) return all.state === "loading" && agent.waitingApprovals > 0 && <div className="h-9" />;
  return (
    <div className="flex min-h-9 items-center gap-2 pr-2 pb-2 pl-11">
      <span className="min-w-0 flex-1 truncate text-xs text-warn">
        <Seen text={texts.session.asks(asked.title)} />
      </span>
      <AnswerButton waiting={asked} />
    </div>
  );
}

function Since({ agent }: { agent: Agent }) {
  const now = useNow();
  const { shown, since } = standing(agent, now);
  const running = shown === "working" || shown === "starting";
  return (
    <span className="ml-auto shrink-0 text-2xs text-faint tabular-nums">
      {running ? duration(Math.max(0, now - since)) : ago(since, now)}
    </span>
  );
}

function Doing({ agent, entries }: { agent: Agent; entries: readonly Entry[] }) {
  const { shown, words } = standing(agent, useNow());
  const isBusy = shown === "working" || shown === "waiting" || shown === "hung";
  const task = isBusy ? (agent.task ?? currentTask(agent, entries)) : null;
  return (
    <span className="mt-0.5 flex items-start gap-1.5 text-xs text-soft">
      <span className="flex h-4 items-center">
        <StateDot state={shown} />
      </span>
      <span className="line-clamp-2 min-w-0 break-words">
        {words}
        {task && <span className="text-faint">: {task}</span>}
      </span>
    </span>
  );
}

function Where({ agent, usage }: { agent: Agent; usage: AgentUsage | undefined }) {
  const facts = [
    [agent.cli, agent.version].filter(Boolean).join(" "),
    agent.model,
    agent.machine,
    agent.generation > 1 && texts.session.restarts(agent.generation - 1),
    usage && usage.tokens > 0 && texts.session.tokens(compact(usage.tokens)),
    usage && usage.costUsd > 0 && money(usage.costUsd),
    usage && usage.estimatedUsd > 0 && texts.usage.about(money(usage.estimatedUsd)),
  ].filter(Boolean);
  return (
    <span className="mt-0.5 block truncate text-2xs text-faint" title={agent.cwd ?? undefined}>
      {facts.join(" · ")}
    </span>
  );
}
