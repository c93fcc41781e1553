import { useMemo } from "react";
import type { Agent } from "~/live/documents";
import { useWorkspace } from "~/live/LiveContext";
import { useReadable } from "~/live/useReadable";

/** A session's agents, the first spawned first. */
export function useSessionAgents(session: string): readonly Agent[] {
  const { agents, overview } = useWorkspace();
  const all = useReadable(agents);
  const known = useReadable(overview);
  return useMemo(() => {
    if (all.state !== "ready") return [];
    // An address may name the session instead.
    const sessions = known.state === "ready" ? known.value.workspace.sessions.nodes : [];
    const key = sessions.find((one) => one.name === session)?.key ?? session;
    return all.value
      .filter((agent) => agent.sessionKey === key)
      .sort((a, b) => a.spawnedAt.localeCompare(b.spawnedAt));
  }, [all, known, session]);
}
