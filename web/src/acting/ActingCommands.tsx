import { useNavigate, useParams } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useState } from "react";
import { useCommands, type Command } from "~/app/commands";
import { notifications } from "~/app/notifications";
import { useWorkspace } from "~/live/LiveContext";
import { useReadable } from "~/live/useReadable";
import { useAgentActions } from "./useAgentActions";
import { usePermissions } from "./usePermissions";
import * as texts from "~/texts";

const SpawnDialog = lazy(() => import("./SpawnDialog").then((m) => ({ default: m.SpawnDialog })));

/** What a person can do on every page: spawn, and interrupt, release or resume any agent. */
export function ActingCommands() {
  const { key: session } = useParams({ strict: false });
  const [spawning, setSpawning] = useState(false);
  const permissions = usePermissions();
  const agents = useReadable(useWorkspace().agents);
  const actionsOf = useAgentActions(permissions);
  const seen = agents.state === "ready" ? agents.value : [];
  const offered: Command[] = seen
    .filter((agent) => session === undefined || agent.sessionKey === session)
    .flatMap((agent) =>
      actionsOf(agent).map((action) => ({
        id: `${action.id} ${agent.key}`,
        title: `${action.title} ${agent.name}`,
        section: texts.acting.agents,
        run: () => void action.run(),
      })),
    );
  if (permissions.has("SPAWN"))
    offered.unshift({
      id: "spawn",
      title: texts.acting.spawnAnAgentEllipsis,
      section: texts.acting.section,
      keys: "n",
      words: texts.acting.spawnWords,
      run: () => setSpawning(true),
    });
  useCommands(offered);
  useNotifications();
  return (
    <Suspense>{spawning && <SpawnDialog session={session} onClose={() => setSpawning(false)} />}</Suspense>
  );
}

function useNotifications(): void {
  const { waiting } = useWorkspace();
  const navigate = useNavigate();
  useEffect(() => notifications.watch(waiting, () => void navigate({ to: "/inbox" })), [waiting, navigate]);
}
