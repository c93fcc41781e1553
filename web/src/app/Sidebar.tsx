import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { usePermissions } from "~/acting/usePermissions";
import { Badge } from "~/design/Badge";
import { Icon, type IconName } from "~/design/Icon";
import { StateDot } from "~/design/StateDot";
import { sessionState } from "~/live/agentState";
import { useWorkspace } from "~/live/LiveContext";
import { useReadable } from "~/live/useReadable";
import * as texts from "~/texts";

/** The ways through the dashboard: the pages, then the sessions with what goes on in each. */
export function Sidebar({ onGo }: { onGo?: () => void }) {
  const workspace = useWorkspace();
  const overview = useReadable(workspace.overview);
  const waiting = useReadable(workspace.waiting);
  const count = waiting.state === "ready" ? waiting.value.length : 0;
  const may = usePermissions();
  const whole = overview.state !== "ready" || overview.value.viewer.sessionKey === null;
  return (
    // The click is a link's own; here it closes the drawer of a narrow screen.
    // eslint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-noninteractive-element-interactions
    <nav
      aria-label={texts.shell.main}
      className="flex min-h-0 flex-1 flex-col gap-4 overflow-y-auto p-2"
      onClick={onGo}
    >
      <ul className="flex flex-col gap-px">
        <Item to="/" icon="home" exact>
          {texts.home.title}
        </Item>
        {whole && (
          <Item to="/inbox" icon="inbox" after={count > 0 && <Badge tone="warn">{count}</Badge>}>
            {texts.inbox.title}
          </Item>
        )}
        <Item to="/logs" icon="logs">
          {texts.logs.title}
        </Item>
        {whole && (
          <Item to="/workflows" icon="workflow">
            {texts.workflows.title}
          </Item>
        )}
        {whole && (
          <Item to="/usage" icon="usage">
            {texts.usage.title}
          </Item>
        )}
        {may.has("ADMINISTER") && (
          <Item to="/audit" icon="file">
            {texts.audit.title}
          </Item>
        )}
        <Item to="/settings" icon="settings">
          {texts.settings.title}
        </Item>
      </ul>
      <div>
        <h2 className="px-2 pb-1 text-2xs font-medium text-faint">{texts.shell.sessions}</h2>
        <ul className="flex flex-col gap-px">
          {overview.state === "ready" &&
            overview.value.workspace.sessions.nodes.map((session) => (
              <SessionItem key={session.key} session={session.key} name={session.name} />
            ))}
        </ul>
      </div>
    </nav>
  );
}

const ROW =
  "flex h-8 items-center gap-2 rounded-md px-2 text-soft transition-colors hover:bg-hover hover:text-text pointer-coarse:h-11";
const HERE = { className: "bg-active text-text font-medium", "aria-current": "page" as const };

interface ItemProps {
  to: "/" | "/inbox" | "/logs" | "/workflows" | "/usage" | "/audit" | "/settings";
  icon: IconName;
  exact?: boolean;
  after?: ReactNode;
  children: ReactNode;
}

function Item({ to, icon, exact = false, after, children }: ItemProps) {
  return (
    <li>
      <Link to={to} activeOptions={{ exact, includeSearch: false }} activeProps={HERE} className={ROW}>
        <Icon name={icon} className="shrink-0 text-faint" />
        <span className="flex-1 truncate">{children}</span>
        {after}
      </Link>
    </li>
  );
}

function SessionItem({ session, name }: { session: string; name: string }) {
  const agents = useReadable(useWorkspace().agents);
  const state = sessionState(
    agents.state === "ready" ? agents.value.filter((a) => a.sessionKey === session) : [],
  );
  return (
    <li>
      <Link to="/session/$key" params={{ key: session }} activeProps={HERE} className={ROW}>
        <StateDot state={state.dot} />
        <span className="flex-1 truncate">{name}</span>
        <span className="sr-only">{state.words}</span>
        {state.live > 0 && (
          <span aria-hidden="true" className="text-2xs text-faint tabular-nums">
            {state.live}
          </span>
        )}
      </Link>
    </li>
  );
}
