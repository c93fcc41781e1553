import type { Client } from "@urql/core";
import { toast } from "~/app/toast";
import type { Agent } from "~/live/documents";
import { useLive } from "~/live/LiveContext";
import { act } from "./act";
import { INTERRUPT, RELEASE, RESUME } from "./documents";
import * as texts from "~/texts";

export interface AgentAction {
  readonly id: "interrupt" | "release" | "resume";
  readonly title: string;
  readonly danger: boolean;
  readonly run: () => Promise<void>;
}

const ACTS = {
  interrupt: (client: Client, agent: string) => act(client, INTERRUPT, { agent }),
  release: (client: Client, agent: string) => act(client, RELEASE, { agent }),
  resume: (client: Client, agent: string) => act(client, RESUME, { agent }),
};

/** What can be done with an agent in the state it is in. */
export function useAgentActions(permissions: ReadonlySet<string>): (agent: Agent) => readonly AgentAction[] {
  const { queries } = useLive();
  return (agent) =>
    offered(agent, permissions).map(({ id, title, danger }) => ({
      id,
      title,
      danger,
      run: async () => {
        const done = await ACTS[id](queries, agent.id);
        if (done.done) toast(`${title}: ${agent.name}`);
        else toast(texts.acting.failed(title), { description: done.message, failed: true });
      },
    }));
}

type Offered = Omit<AgentAction, "run">;

/** Pure part of the above. */
export function offered(
  agent: Pick<Agent, "state" | "ended">,
  permissions: ReadonlySet<string>,
): readonly Offered[] {
  const all: Offered[] = [];
  if (agent.state === "WORKING" && permissions.has("RELEASE"))
    all.push({ id: "interrupt", title: texts.acting.interrupt, danger: false });
  if (agent.ended && permissions.has("SPAWN"))
    all.push({ id: "resume", title: texts.acting.resume, danger: false });
  if (!agent.ended && agent.state !== "RELEASING" && permissions.has("RELEASE"))
    all.push({ id: "release", title: texts.acting.release, danger: true });
  return all;
}
