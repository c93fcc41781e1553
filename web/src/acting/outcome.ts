import { toast } from "~/app/toast";
import type { Agent } from "~/live/documents";
import { whyWords } from "~/live/reasons";
import type { Readable } from "~/live/wire/store";
import type { Loading } from "~/live/workspace";
import * as texts from "~/texts";

/** The broker gives an agent up that has not started by then, and this says so. */
const GIVE_UP_MS = 300_000;

export type Outcome = "open" | "runs" | "failed" | "ended";

/** What has come of a start: of the process of that number, or a later one. */
export function outcomeOf(
  agent: Pick<Agent, "state" | "generation"> | undefined,
  generation: number,
): Outcome {
  if (!agent || agent.generation < generation || agent.state === "STARTING") return "open";
  if (agent.state === "FAILED") return "failed";
  return agent.state === "RELEASED" || agent.state === "RELEASING" ? "ended" : "runs";
}

/** An agent was told to start: says how that went once it is known, and not before. */
export function tellStart(
  agents: Readable<Loading<readonly Agent[]>>,
  { key, name, generation }: { key: string; name: string; generation: number },
): void {
  const stop = () => {
    unsubscribe();
    clearTimeout(timer);
  };
  const look = () => {
    const all = agents.get();
    const agent = all.state === "ready" ? all.value.find((one) => one.key === key) : undefined;
    const outcome = outcomeOf(agent, generation);
    if (outcome === "open") return;
    stop();
    if (outcome === "runs") toast(texts.acting.hasStarted(name));
    if (outcome === "failed")
      toast(texts.acting.didNotStart(name), {
        description: whyWords(agent?.reason ?? null, agent?.detail ?? null),
        failed: true,
      });
  };
  const timer = setTimeout(stop, GIVE_UP_MS);
  const unsubscribe = agents.subscribe(look);
  look();
}
