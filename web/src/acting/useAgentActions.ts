import type { Client } from "@urql/core";
import { toast } from "~/app/toast";
import type { Agent } from "~/live/documents";
import { useLive, useWorkspace } from "~/live/LiveContext";
import { act } from "./act";
import { DISMISS, INTERRUPT, RESUME } from "./documents";
import { tellStart } from "./outcome";
import { toRelease } from "./toRelease";
import * as texts from "~/texts";

export interface AgentAction {
  readonly id: "interrupt" | "release" | "resume" | "dismiss";
  readonly title: string;
  readonly danger: boolean;
  readonly run: () => Promise<void>;
}

const ACTS = {
  interrupt: (client: Client, agent: string) => act(client, INTERRUPT, { agent }),
  resume: (client: Client, agent: string) => act(client, RESUME, { agent }),
  dismiss: (client: Client, agent: string) => act(client, DISMISS, { agent }),
};

/** What can be done with an agent in the state it is in. */
export function useAgentActions(permissions: ReadonlySet<string>): (agent: Agent) => readonly AgentAction[] {
  const { queries } = useLive();
  const { agents } = useWorkspace();
  return (agent) =>
    offered(agent, permissions).map(({ id, title, danger }) => ({
      id,
      title,
      danger,
      run: async () => {
        if (id === "release") {
          toRelease.set(agent);
          return;
        }
        const done = await ACTS[id](queries, agent.id);
        if (!done.done) toast(texts.acting.failed(title), { description: done.message, failed: true });
        else if (id === "resume") tellStart(agents, { ...agent, generation: agent.generation + 1 });
        else toast(`${title}: ${agent.name}`);
      },
    }));
}

type Offered = Omit<AgentAction, "run">;

/** Pure part of the above. */
export function offered(
  agent: Pick<Agent, "state" | "ended" | "dismissed">,
  permissions: ReadonlySet<string>,
): readonly Offered[] {
  const all: Offered[] = [];
  const hasFailed = agent.state === "FAILED";
  if (agent.state === "WORKING" && permissions.has("RELEASE"))
    all.push({ id: "interrupt", title: texts.acting.interrupt, danger: false });
  if (agent.ended && permissions.has("SPAWN"))
    all.push({
      id: "resume",
      title: hasFailed ? texts.acting.restart : texts.acting.resume,
      danger: false,
    });
  if (hasFailed && !agent.dismissed && permissions.has("RELEASE"))
    all.push({ id: "dismiss", title: texts.acting.dismiss, danger: false });
  if (!agent.ended && agent.state !== "RELEASING" && permissions.has("RELEASE"))
    all.push({ id: "release", title: texts.acting.release, danger: true });
  return all;
}
