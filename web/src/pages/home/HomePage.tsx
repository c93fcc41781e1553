import { Link } from "@tanstack/react-router";
import { NothingYet } from "~/acting/NothingYet";
import { SpawnButton } from "~/acting/SpawnButton";
import { startCommand } from "~/live/startCommand";
import { Empty } from "~/design/Empty";
import { PageHead } from "~/design/PageHead";
import { useWorkspace } from "~/live/LiveContext";
import { useReadable } from "~/live/useReadable";
import { Fleet } from "./Fleet";
import { LinkMachineButton } from "./linking/LinkMachineButton";
import { Machines } from "./Machines";
import * as texts from "~/texts";

/** All agents of the workspace in one list, who needs a person first, and the machines that they run on. */
export function HomePage() {
  const { overview, agents } = useWorkspace();
  const known = useReadable(overview);
  const followed = useReadable(agents).state;
  if (known.state === "failed")
    return (
      <>
        <PageHead title={texts.home.title} />
        <Empty title={texts.home.notRead}>{known.message}</Empty>
      </>
    );
  const isReady = known.state === "ready";
  if (isReady && !known.value.viewer.permissions.includes("READ")) return <PaysOnly />;
  const hasSessions = isReady && known.value.workspace.sessions.nodes.length > 0;
  return (
    <>
      <PageHead
        title={texts.home.title}
        actions={
          <>
            <LinkMachineButton />
            <SpawnButton />
          </>
        }
      />
      {isReady && !hasSessions && (
        <NothingYet
          title={texts.home.noSessions}
          how={texts.home.noSessionsHow}
          command={startCommand(undefined)}
        >
          {texts.home.noSessionsWhat}
        </NothingYet>
      )}
      {isReady && hasSessions && followed === "failed" && <Empty title={texts.session.agentsNotRead} />}
      {hasSessions && followed === "ready" && <Fleet sessions={known.value.workspace.sessions.nodes} />}
      {/* Below the agents, where it stays once they are there. */}
      {isReady && (followed !== "loading" || !hasSessions) && (
        <Machines machines={known.value.workspace.proxies?.nodes ?? []} />
      )}
    </>
  );
}

/** For who sees no sessions: where to go instead. */
function PaysOnly() {
  return (
    <>
      <PageHead title={texts.home.title} />
      <Empty title={texts.home.paysOnly}>
        <Link to="/usage" className="text-accent-text underline">
          {texts.usage.title}
        </Link>
      </Empty>
    </>
  );
}
