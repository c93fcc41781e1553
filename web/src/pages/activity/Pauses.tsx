import { useEffect, useState } from "react";
import { useQuery } from "urql";
import type { Budget } from "~/live/budgets";
import { AGENT_PAUSES, SESSION_PAUSES, type Pause } from "~/live/pauses";
import { Instant, Until } from "~/live/PauseTimes";
import type { Agent } from "~/live/documents";
import * as texts from "~/texts";

interface PausesProps {
  session: string;
  /** What has stopped it alone; else what has stopped anything in the session. */
  agent: Agent | undefined;
  budgets: readonly Budget[];
}

/** What stopped what: the budgets and limits that have made a session or one of its agents wait, and until when. */
export function Pauses({ session, agent, budgets }: PausesProps) {
  const [ofSession, refreshSession] = useQuery({
    query: SESSION_PAUSES,
    variables: { session },
    pause: !!agent,
  });
  const [ofAgent, refreshAgent] = useQuery({
    query: AGENT_PAUSES,
    variables: { agent: agent?.id ?? "" },
    pause: !agent,
  });
  const states = budgets.map(({ key, state, limit }) => `${key} ${state} ${limit}`).join();
  const isOfAgent = agent !== undefined;
  useEffect(() => {
    if (states !== "") (isOfAgent ? refreshAgent : refreshSession)({ requestPolicy: "network-only" });
  }, [states, isOfAgent, refreshAgent, refreshSession]);
  const node = ofAgent.data?.node;
  const pauses = agent
    ? node?.__typename === "Agent"
      ? node.pauses
      : []
    : (ofSession.data?.session?.pauses ?? []);
  if (pauses.length === 0) return null;
  const title = agent ? texts.billing.pausesOf(agent.name) : texts.billing.pauses;
  return <Listed key={title} title={title} pauses={pauses} />;
}

/** Open at first where something waits still; then as whoever reads it leaves it. */
function Listed({ title, pauses }: { title: string; pauses: readonly Pause[] }) {
  const [isOpen, setOpen] = useState(() => pauses.some((pause) => !pause.isOver));
  return (
    <details
      className="mt-2 border-t border-line pt-2"
      open={isOpen}
      onToggle={({ currentTarget }) => setOpen(currentTarget.open)}
    >
      <summary className="rounded px-2 py-1 text-xs text-faint select-none hover:text-text">{title}</summary>
      <ul aria-label={title} className="flex flex-col gap-2 px-2 py-1 text-xs">
        {pauses.map((pause) => (
          <Line key={`${pause.at} ${pause.budgetKey ?? pause.limit}`} pause={pause} />
        ))}
      </ul>
    </details>
  );
}

function Line({ pause }: { pause: Pause }) {
  return (
    <li className={pause.isOver ? "text-faint" : "text-soft"}>
      <span className="text-2xs text-faint">
        <Instant at={pause.at} />
        {pause.agentName !== "" && ` · ${pause.agentName}`}
      </span>
      <span className="block break-words">{pause.text}</span>
      <span className="block text-2xs text-faint">
        {texts.billing.until} <Until pause={pause} />
      </span>
    </li>
  );
}
