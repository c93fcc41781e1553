import { getRouteApi } from "@tanstack/react-router";
import { useState, type ReactNode } from "react";
import type { Place } from "~/app/router";
import { Badge } from "~/design/Badge";
import { Empty } from "~/design/Empty";
import { PageHead } from "~/design/PageHead";
import { Tabs } from "~/design/Tabs";
import { useWide } from "~/design/useWide";
import type { Session } from "~/live/documents";
import type { Live } from "~/live/live";
import { useWorkspace } from "~/live/LiveContext";
import { askForEnd } from "~/live/sessionEvents";
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
import { startCommand } from "./startCommand";
import { Timeline } from "./Timeline";
import { useConversation } from "./useConversation";
import { useSessionAgents } from "./useSessionAgents";
import * as texts from "~/texts";

const route = getRouteApi("/shell/session/$key");

/** Ask for what the page at an address begins with. */
export const askAhead = (live: Live, { key }: Place): void => askForEnd(live, key);

/** What a session's agents do: who they are, what they say to each other, and when. */
export function ActivityPage() {
  const { key } = route.useParams();
  // Another session is another page: nothing of the one before may be seen in it.
  return <Activity key={key} session={key} />;
}

function Activity({ session }: { session: string }) {
  const reading = useConversation(session);
  const agents = useSessionAgents(session);
  const known = useSession(session);
  const name = known?.name;
  const wide = useWide();
  const mayWrite = usePermissions().has("SEND");
  const { agent: chosen } = route.useSearch();
  const navigate = route.useNavigate();
  const choose = (agent: string | undefined) =>
    void navigate({ search: agent ? { agent } : {}, replace: true });
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
    <AgentsPanel session={session} agents={agents} reading={reading} chosen={chosen} onChoose={choose} />
  );
  const conversation = (
    <>
      <ConversationView reading={reading} agents={agents} chosen={chosen} start={startCommand(name)} />
      {mayWrite && <Composer session={session} agents={agents} chosen={chosen} />}
    </>
  );
  const timeline = <Timeline reading={reading} agents={agents} />;
  return (
    <>
      <PageHead
        title={name ?? texts.session.session}
        actions={
          <>
            {known && <StopButton target={sessionTarget(known)} agents={names} />}
            <SpawnButton />
          </>
        }
      >
        {living > 0 && <Badge>{living === 1 ? texts.shared.oneAgent : texts.shared.agents(living)}</Badge>}
      </PageHead>
      {stops.map((stop) => (
        <StopBanner key={stop.key} stop={stop} />
      ))}
      {wide ? (
        <div className="flex min-h-0 flex-1">
          <div className="flex min-w-0 flex-1 flex-col">
            {conversation}
            {timeline}
          </div>
          <aside
            aria-label={texts.session.agents}
            className="w-80 shrink-0 overflow-y-auto border-l border-line"
          >
            {panel}
          </aside>
        </div>
      ) : (
        <NarrowViews agents={living} panel={panel} conversation={conversation} timeline={timeline} />
      )}
    </>
  );
}

type View = "conversation" | "agents" | "timeline";

function NarrowViews(views: Record<"panel" | "conversation" | "timeline", ReactNode> & { agents: number }) {
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
    <Tabs<View> label={texts.session.views} value={view} onChange={setView} tabs={tabs}>
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
