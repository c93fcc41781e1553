import { useEffect, useMemo } from "react";
import { useQuery } from "urql";
import { useWorkspace } from "~/live/LiveContext";
import { graphql } from "~/live/wire/graphql";
import { useReadable } from "~/live/useReadable";
import type { Entry } from "./model/entries";

const USAGE = graphql(`
  query AgentUsage($session: String!) {
    session(key: $session) {
      id
      usage {
        agent
        inputTokens
        outputTokens
        costUsd
        estimatedUsd
      }
    }
  }
`);

const SETTLE_MS = 3000;

export interface AgentUsage {
  readonly tokens: number;
  readonly costUsd: number;
  readonly estimatedUsd: number;
}

/** Tokens and cost by agent's name, for those who may see that; asked for anew some time after turns end. */
export function useAgentUsage(session: string, entries: readonly Entry[]): ReadonlyMap<string, AgentUsage> {
  const overview = useReadable(useWorkspace().overview);
  const allowed = overview.state === "ready" && overview.value.viewer.permissions.includes("METER");
  const [{ data }, refresh] = useQuery({ query: USAGE, variables: { session }, pause: !allowed });
  const ended = entries.filter((entry) => entry.type === "turn" && entry.endedAt !== null).length;
  useEffect(() => {
    if (!allowed || ended === 0) return;
    const timer = setTimeout(() => refresh({ requestPolicy: "network-only" }), SETTLE_MS);
    return () => clearTimeout(timer);
  }, [allowed, ended, refresh]);
  return useMemo(() => {
    const rows = data?.session?.usage ?? [];
    return new Map(
      rows.map((row) => [
        row.agent ?? "",
        {
          tokens: row.inputTokens + row.outputTokens,
          costUsd: row.costUsd,
          estimatedUsd: row.estimatedUsd,
        },
      ]),
    );
  }, [data]);
}
