import { lazy, Suspense } from "react";
import type { Place } from "~/app/router";
import { Empty } from "~/design/Empty";
import { PageHead } from "~/design/PageHead";
import { TabPanel, Tabs } from "~/design/Tabs";
import type { Live } from "~/live/live";
import { ContextView } from "./ContextView";
import { LiveView } from "./LiveView";
import { askForEnd } from "./logTail";
import { readAddress, type View } from "./model/address";
import { SavedViews } from "./SavedViews";
import { SearchView } from "./SearchView";
import { SessionPicker } from "./SessionPicker";
import { useAddress } from "./useAddress";
import * as texts from "~/texts";

const ChangesView = lazy(() => import("./changes/ChangesView").then((m) => ({ default: m.ChangesView })));

const VIEWS = [
  { name: "search", title: texts.logs.search },
  { name: "live", title: texts.logs.live },
  { name: "changes", title: texts.logs.changes },
] as const;

/** Ask for what the page at an address begins with. */
export function askAhead(live: Live, { search }: Place): void {
  const { view, session, line } = readAddress(search);
  if (view === "live" && session !== undefined && line === undefined) askForEnd(live, session);
}

/** Everything that was logged: to search, to follow, and as changes of files. The address says what is shown. */
export function LogsPage() {
  const { address, go } = useAddress();
  const view = address.view ?? "search";
  return (
    <>
      <PageHead title={texts.logs.title} actions={<SavedViews />}>
        <SessionPicker
          session={address.session}
          all={view === "search" && address.line === undefined}
          onChoose={(session) => go({ session, line: undefined })}
        />
      </PageHead>
      <Tabs<View>
        label={texts.logs.views}
        value={view}
        onChange={(next) => go({ view: next, line: undefined })}
        tabs={VIEWS}
      >
        <TabPanel value={view} className="flex min-h-0 flex-1 flex-col outline-offset-[-2px]">
          <Shown view={view} session={address.session} line={address.line} />
        </TabPanel>
      </Tabs>
    </>
  );
}

function Shown({
  view,
  session,
  line,
}: {
  view: View;
  session: string | undefined;
  line: string | undefined;
}) {
  if (session !== undefined && line !== undefined)
    return <ContextView key={`${session} ${line}`} session={session} line={line} />;
  if (view === "search") return <SearchView />;
  if (session === undefined)
    return (
      <Empty title={texts.logs.chooseSession}>
        {view === "live" ? texts.logs.liveNeedsSession : texts.logs.changesNeedSession}
      </Empty>
    );
  if (view === "live") return <LiveView key={session} session={session} />;
  return (
    <Suspense>
      <ChangesView key={session} session={session} />
    </Suspense>
  );
}
