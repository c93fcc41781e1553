import type { Agent } from "~/live/documents";

/** An agent and those it spawned. */
export interface Branch {
  readonly agent: Agent;
  readonly children: readonly Branch[];
}

/** Agents under whom they were spawned by; one whose spawner is not among them stands at the top. */
export function spawnTree(agents: readonly Agent[]): readonly Branch[] {
  const keys = new Set(agents.map((agent) => agent.key));
  const under = (spawner: string | null): Branch[] =>
    agents
      .filter((agent) => parent(agent, keys) === spawner)
      .map((agent) => ({ agent, children: under(agent.key) }));
  return under(null);
}

function parent(agent: Agent, keys: ReadonlySet<string>): string | null {
  const spawner = agent.spawnerKey;
  return spawner !== null && spawner !== agent.key && keys.has(spawner) ? spawner : null;
}
