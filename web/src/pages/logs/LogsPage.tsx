import { Suspense } from "react";
import { Empty } from "~/design/Empty";
import { PageHead } from "~/design/PageHead";
import { TabPanel, Tabs } from "~/design/Tabs";
import { lazily } from "~/live/wire/code";
import { type View } from "./model/address";
import { SavedSearches } from "./SavedSearches";
import { SearchView } from "./SearchView";
import { SessionPicker } from "./SessionPicker";
import { useAddress } from "./useAddress";
import * as texts from "~/texts";

const ContextView = lazily(() => import("./ContextView").then((m) => ({ default: m.ContextView })));
const LiveView = lazily(() => import("./LiveView").then((m) => ({ default: m.LiveView })));
const ChangesView = lazily(() => import("./changes/ChangesView").then((m) => ({ default: m.ChangesView })));

const VIEWS = [
  { name: "search", title: texts.logs.search },
  { name: "live", title: texts.logs.live },
  { name: "changes", title: texts.logs.changes },
] as const;

/** Everything that was logged: to search, to follow, and as changes of files. The address says what is shown. */
export function LogsPage() {
  const { address, go } = useAddress();
  const view = address.view ?? "search";
  return (
    <>
      <PageHead title={texts.logs.title} actions={<SavedSearches />}>
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
    return (
      <Suspense>
        <ContextView key={`${session} ${line}`} session={session} line={line} />
      </Suspense>
    );
  if (view === "search") return <SearchView />;
  if (session === undefined)
    return (
      <Empty title={texts.logs.chooseSession}>
        {view === "live" ? texts.logs.liveNeedsSession : texts.logs.changesNeedSession}
      </Empty>
    );
  return (
    <Suspense>
      {view === "live" ? (
        <LiveView key={session} session={session} />
      ) : (
        <ChangesView key={session} session={session} />
      )}
    </Suspense>
  );
}
