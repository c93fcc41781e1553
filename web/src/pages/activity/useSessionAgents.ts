import { useMemo } from "react";
import { useQuery } from "urql";
import { SESSION_AGENTS, type Agent } from "~/live/documents";
import { useWorkspace } from "~/live/LiveContext";
import { useReadable } from "~/live/useReadable";

/** A session's agents, the first spawned first: those that live are followed, those that ended before are asked for. */
export function useSessionAgents(session: string): readonly Agent[] {
  const { agents, overview } = useWorkspace();
  const followed = useReadable(agents);
  const known = useReadable(overview);
  const [{ data }] = useQuery({ query: SESSION_AGENTS, variables: { key: session } });
  return useMemo(() => {
    // An address may name the session instead.
    const sessions = known.state === "ready" ? known.value.workspace.sessions.nodes : [];
    const key = sessions.find((one) => one.name === session)?.key ?? session;
    const living = followed.state === "ready" ? followed.value.filter((one) => one.sessionKey === key) : [];
    const all = new Map(
      [...(data?.session?.agents.nodes ?? []), ...living].map((agent) => [agent.key, agent]),
    );
    return [...all.values()].sort((a, b) => Date.parse(a.spawnedAt) - Date.parse(b.spawnedAt));
  }, [followed, known, data, session]);
}
