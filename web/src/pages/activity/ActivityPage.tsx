import { getRouteApi } from "@tanstack/react-router";
import { Suspense, useCallback, useEffect, useState, type ReactNode } from "react";
import { Badge } from "~/design/Badge";
import { IconButton } from "~/design/Button";
import { Empty } from "~/design/Empty";
import { Icon } from "~/design/Icon";
import { PageHead } from "~/design/PageHead";
import { Tabs } from "~/design/Tabs";
import { useWide } from "~/design/useWide";
import type { Agent, Session } from "~/live/documents";
import { useWorkspace } from "~/live/LiveContext";
import { stopsOver } from "~/live/stops";
import { useReadable } from "~/live/useReadable";
import { Composer } from "~/acting/Composer";
import { SpawnButton } from "~/acting/SpawnButton";
import { StopBanner } from "~/acting/StopBanner";
import { StopButton } from "~/acting/StopButton";
import { usePermissions } from "~/acting/usePermissions";
import { useStops } from "~/acting/useStop";
import { AgentsPanel } from "./AgentsPanel";
import { ConversationView } from "./ConversationView";
import { startCommand } from "~/live/startCommand";
import { lazily } from "~/live/wire/code";
import { Timeline } from "./Timeline";
import { useConversation } from "./useConversation";
import { useSessionAgents } from "./useSessionAgents";
import * as texts from "~/texts";

// What opens on a click, or is there only when somebody is asked, need not be there for the first picture.
const SessionMenu = lazily(() => import("~/acting/SessionMenu").then((m) => ({ default: m.SessionMenu })));

const WaitingHere = lazily(() => import("~/answering/WaitingHere").then((m) => ({ default: m.WaitingHere })));

const route = getRouteApi("/shell/session/$key");

/** What a session's agents do: who they are, what they say to each other, and when. */
export function ActivityPage() {
  const { key } = route.useParams();
  // Another session is another page: nothing of the one before may be seen in it.
  return <Activity key={key} session={key} />;
}

function Activity({ session }: { session: string }) {
  const { agent: chosen, entry } = route.useSearch();
  const reading = useConversation(session, entry);
  const agents = useSessionAgents(session);
  const known = useSession(session);
  const name = known?.name;
  const wide = useWide();
  const mayWrite = usePermissions().has("SEND");
  const { overview, agents: followed } = useWorkspace();
  const [isAskedPlaced, setAskedPlaced] = useState(false);
  const isKnown = [useReadable(overview), useReadable(followed)].every(({ state }) => state !== "loading");
  const navigate = route.useNavigate();
  // What is beside the conversation is not drawn anew with each word that is added to it.
  const choose = useCallback(
    (agent: string | undefined) => void navigate({ search: agent ? { agent } : {}, replace: true }),
    [navigate],
  );
  const [gone, setGone] = useState(0);
  const go = useCallback(
    (cursor: string) => {
      setGone((before) => before + 1);
      // The router would put the scrolling back to where it was.
      void navigate({ search: { entry: cursor }, replace: true, resetScroll: false });
    },
    [navigate],
  );
  const [finding, setFinding] = useState(false);
  const [sent, setSent] = useState(0);
  const noteSent = useCallback(() => setSent((before) => before + 1), []);
  const names = agents.filter((agent) => !agent.ended).map((agent) => agent.name);
  const living = names.length;
  const machines = new Set(agents.filter((agent) => !agent.ended).map((agent) => agent.proxyKey));
  const stops = stopsOver(useStops(), known?.key, machines);

  if (reading.state === "missing" || (reading.state === "failed" && reading.entries.length === 0))
    return (
      <>
        <PageHead title={name ?? texts.session.session} />
        <Empty title={reading.state === "missing" ? texts.session.notHere : texts.session.notRead}>
          {reading.message}
        </Empty>
      </>
    );

  const panel = (
    <AgentsPanel
      session={session}
      agents={agents}
      entries={reading.outline}
      chosen={chosen}
      onChoose={choose}
    />
  );
  // Beside what it searches, not above it: there it would hide the time of whatever stands first.
  const find = (
    <IconButton label={texts.session.find} aria-expanded={finding} onClick={() => setFinding(!finding)}>
      <Icon name="search" width="14" height="14" />
    </IconButton>
  );
  const conversation = (
    <>
      <ConversationView
        session={session}
        reading={reading}
        agents={agents}
        chosen={chosen}
        at={entry}
        gone={gone}
        onGo={go}
        sent={sent}
        start={startCommand(name)}
        finding={finding}
        onFinding={setFinding}
        // What takes its room from it is there.
        isPlaced={isKnown && isAskedPlaced}
      />
      <Asked agents={agents} chosen={chosen} onPlaced={() => setAskedPlaced(true)} />
      {mayWrite && isKnown && (
        <Composer session={session} agents={agents} chosen={chosen} onSent={noteSent} />
      )}
    </>
  );
  return (
    <>
      <PageHead
        title={name ?? texts.session.session}
        actions={
          <>
            {wide && find}
            {known && <StopButton target={sessionTarget(known)} agents={names} />}
            <SpawnButton />
            <Suspense>{known && <SessionMenu session={known} />}</Suspense>
          </>
        }
      >
        {known?.archived && <Badge>{texts.session.archived}</Badge>}
        {living > 0 && <Badge>{living === 1 ? texts.shared.oneAgent : texts.shared.agents(living)}</Badge>}
      </PageHead>
      {stops.map((stop) => (
        <StopBanner key={stop.key} stop={stop} />
      ))}
      {wide ? (
        <div className="flex min-h-0 flex-1">
          <div className="flex min-w-0 flex-1 flex-col">
            {conversation}
            {/* Until it is read there is its room, so that it moves nothing. */}
            {reading.state === "loading" && living > 0 && (
              <div className="h-33 shrink-0 border-t border-line" />
            )}
            <Timeline entries={reading.outline} agents={agents} onGo={go} />
          </div>
          <aside
            aria-label={texts.session.agents}
            className="w-80 shrink-0 overflow-y-auto border-l border-line"
          >
            {panel}
          </aside>
        </div>
      ) : (
        <NarrowViews
          agents={living}
          find={find}
          panel={panel}
          conversation={conversation}
          timeline={<Timeline entries={reading.outline} agents={agents} onGo={go} alone />}
        />
      )}
    </>
  );
}

/** What the agents of the session ask, or the chosen one alone. It tells once it is seen, or that there is nothing. */
function Asked({
  agents,
  chosen,
  onPlaced,
}: {
  agents: readonly Agent[];
  chosen: string | undefined;
  onPlaced: () => void;
}) {
  const all = useReadable(useWorkspace().waiting);
  const shown = new Set(agents.filter(({ name }) => name === (chosen ?? name)).map(({ key }) => key));
  const waiting = all.state === "ready" ? all.value.filter(({ agentKey }) => shown.has(agentKey)) : [];
  const [seen, setSeen] = useState(false);
  if (waiting.length > 0 && !seen) setSeen(true);
  if (!seen) return all.state !== "loading" && <Placed tell={onPlaced} />;
  return (
    <Suspense>
      <WaitingHere waiting={waiting} />
      <Placed tell={onPlaced} />
    </Suspense>
  );
}

/** Tells that what it stands beside is drawn. */
function Placed({ tell }: { tell: () => void }) {
  // eslint-disable-next-line react-hooks/exhaustive-deps -- once
  useEffect(tell, []);
  return null;
}

type View = "conversation" | "agents" | "timeline";

function NarrowViews(
  views: Record<"find" | "panel" | "conversation" | "timeline", ReactNode> & { agents: number },
) {
  const [view, setView] = useState<View>("conversation");
  const tabs = [
    { name: "conversation", title: texts.session.conversation },
    {
      name: "agents",
      title: (
        <>
          {texts.session.agents} {views.agents > 0 && <Badge>{views.agents}</Badge>}
        </>
      ),
    },
    { name: "timeline", title: texts.session.timeline },
  ] as const;
  return (
    <Tabs<View>
      label={texts.session.views}
      value={view}
      onChange={setView}
      tabs={tabs}
      action={view === "conversation" && views.find}
    >
      <div className="flex min-h-0 flex-1 flex-col overflow-y-auto">
        {view === "conversation" ? views.conversation : view === "agents" ? views.panel : views.timeline}
      </div>
    </Tabs>
  );
}

function useSession(session: string): Session | undefined {
  const overview = useReadable(useWorkspace().overview);
  if (overview.state !== "ready") return undefined;
  return overview.value.workspace.sessions.nodes.find((one) => one.key === session || one.name === session);
}

const sessionTarget = ({ key, name }: Session) => ({ scope: "SESSION", ofKey: key, name }) as const;
