import { useNavigate, useParams } from "@tanstack/react-router";
import { Suspense, useCallback, useState } from "react";
import { useCommands, useMadeCommands } from "~/app/commands";
import type { Agent } from "~/live/documents";
import { useWorkspace } from "~/live/LiveContext";
import { useReadable } from "~/live/useReadable";
import { lazily } from "~/live/wire/code";
import { toRelease } from "./toRelease";
import { useAgentActions } from "./useAgentActions";
import { usePermissions } from "./usePermissions";
import * as texts from "~/texts";

const ReleaseDialog = lazily(() => import("./ReleaseDialog").then((m) => ({ default: m.ReleaseDialog })));
const SpawnDialog = lazily(() => import("./SpawnDialog").then((m) => ({ default: m.SpawnDialog })));

/** What a person can do on every page: spawn, and interrupt, release or resume any agent. */
export function ActingCommands() {
  const { key: session } = useParams({ strict: false });
  const [spawning, setSpawning] = useState(false);
  const releasing = useReadable(toRelease);
  const keep = useCallback(() => toRelease.set(null), []);
  const permissions = usePermissions();
  const { agents } = useWorkspace();
  const actionsOf = useAgentActions(permissions);
  const navigate = useNavigate();
  const open = ({ sessionKey, name }: Agent) =>
    navigate({ to: "/session/$key", params: { key: sessionKey }, search: { agent: name } });
  useCommands(
    permissions.has("SPAWN")
      ? [
          {
            id: "spawn",
            title: texts.acting.spawnAnAgentEllipsis,
            section: texts.acting.section,
            keys: "n",
            words: texts.acting.spawnWords,
            run: () => setSpawning(true),
          },
        ]
      : [],
  );
  // Agents change all the time: what can be done with them is found out when somebody looks for it.
  useMadeCommands(() => {
    const all = agents.get();
    return (all.state === "ready" ? all.value : [])
      .filter((agent) => session === undefined || agent.sessionKey === session)
      .flatMap((agent) => [
        {
          id: `open ${agent.key}`,
          title: `${texts.acting.open} ${agent.name}`,
          section: texts.acting.agents,
          run: () => void open(agent),
        },
        ...actionsOf(agent).map((action) => ({
          id: `${action.id} ${agent.key}`,
          title: `${action.title} ${agent.name}`,
          section: texts.acting.agents,
          run: () => void action.run(),
        })),
      ]);
  });
  return (
    <Suspense>
      {spawning && <SpawnDialog session={session} onClose={() => setSpawning(false)} />}
      {releasing && <ReleaseDialog key={releasing.key} agent={releasing} onClose={keep} />}
    </Suspense>
  );
}
