import { Link } from "@tanstack/react-router";
import { memo, useMemo } from "react";
import { Badge } from "~/design/Badge";
import { Icon } from "~/design/Icon";
import { StateDot } from "~/design/StateDot";
import { useNow } from "~/design/now";
import { groupBy } from "~/live/groupBy";
import { sessionState } from "~/live/agentState";
import type { Session } from "~/live/documents";
import { useWorkspace } from "~/live/LiveContext";
import { useReadable } from "~/live/useReadable";
import { countOf } from "~/live/workspace";
import { offeredPages, type OfferedPage } from "./pages";
import * as texts from "~/texts";

/** The ways through the dashboard: the pages, then the sessions with what goes on in each. */
export function Sidebar({ onGo }: { onGo?: () => void }) {
  const workspace = useWorkspace();
  const overview = useReadable(workspace.overview);
  const count = countOf(useReadable(workspace.needs));
  const viewer = overview.state === "ready" ? overview.value.viewer : null;
  return (
    // The click is a link's own; here it closes the drawer of a narrow screen.
    // eslint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-noninteractive-element-interactions
    <nav
      aria-label={texts.shell.main}
      className="flex min-h-0 flex-1 flex-col gap-4 overflow-y-auto p-2"
      onClick={onGo}
    >
      <ul className="flex flex-col gap-px">
        {(overview.state === "loading" ? [] : offeredPages(viewer)).map((page) => (
          <Item key={page.to} page={page} count={page.to === "/inbox" ? count : 0} />
        ))}
      </ul>
      {viewer?.permissions.includes("READ") && (
        <div>
          <h2 className="px-2 pb-1 text-2xs font-medium text-faint">{texts.shell.sessions}</h2>
          <Sessions />
        </div>
      )}
    </nav>
  );
}

const ROW =
  "flex h-8 items-center gap-2 rounded-md px-2 text-soft transition-colors hover:bg-hover hover:text-text pointer-coarse:h-11";
const HERE = { className: "bg-active text-text font-medium", "aria-current": "page" as const };

function Item({ page: { to, icon, title }, count }: { page: OfferedPage; count: number }) {
  return (
    <li>
      <Link
        to={to}
        activeOptions={{ exact: to === "/", includeSearch: false }}
        activeProps={HERE}
        className={ROW}
      >
        <Icon name={icon} className="shrink-0 text-faint" />
        <span className="flex-1 truncate">{title}</span>
        {count > 0 && <Badge tone="warn">{count}</Badge>}
      </Link>
    </li>
  );
}

/** Drawn again as agents change, which may be at each picture: the rest of the menu is not. */
function Sessions() {
  const workspace = useWorkspace();
  const overview = useReadable(workspace.overview);
  const agents = useReadable(workspace.agents);
  const now = useNow();
  const bySession = useMemo(
    () => groupBy(agents.state === "ready" ? agents.value : [], (agent) => agent.sessionKey),
    [agents],
  );
  if (overview.state !== "ready") return null;
  const sessions = overview.value.workspace.sessions.nodes;
  const archived = sessions.filter((one) => one.archived);
  const item = ({ key, name }: Session) => (
    <SessionItem key={key} session={key} name={name} {...sessionState(bySession.get(key) ?? [], now)} />
  );
  return (
    <>
      <ul className="flex flex-col gap-px">{sessions.filter((one) => !one.archived).map(item)}</ul>
      {archived.length > 0 && (
        // The menu closes at a click in it: this one stays.
        // eslint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-noninteractive-element-interactions
        <details onClick={(event) => event.target instanceof HTMLAnchorElement || event.stopPropagation()}>
          <summary className="rounded px-2 py-1 text-2xs text-faint select-none hover:text-text">
            {texts.shell.archived(archived.length)}
          </summary>
          <ul className="flex flex-col gap-px">{archived.map(item)}</ul>
        </details>
      )}
    </>
  );
}

type SessionItemProps = { session: string; name: string } & ReturnType<typeof sessionState>;

const SessionItem = memo(function SessionItem({ session, name, dot, words, live }: SessionItemProps) {
  return (
    <li>
      <Link to="/session/$key" params={{ key: session }} activeProps={HERE} className={ROW}>
        <StateDot state={dot} />
        <span className="flex-1 truncate">{name}</span>
        <span className="sr-only">{words}</span>
        {live > 0 && (
          <span aria-hidden="true" className="text-2xs text-faint tabular-nums">
            {live}
          </span>
        )}
      </Link>
    </li>
  );
});
