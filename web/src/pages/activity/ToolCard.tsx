import { Suspense, useState } from "react";
import { Badge } from "~/design/Badge";
import { classes } from "~/design/classes";
import { Icon, type IconName } from "~/design/Icon";
import { Seen } from "~/design/Seen";
import { StateDot } from "~/design/StateDot";
import { duration } from "~/design/time";
import { lazily } from "~/live/wire/code";
import { toolSummary } from "./model/toolSummary";
import type { ToolPart } from "./model/entries";
import * as texts from "~/texts";

// What opens on a click need not be there for the first picture.
const ToolInside = lazily(() => import("./ToolInside").then((m) => ({ default: m.ToolInside })));

/** A tool's use: a line about it, and on demand what went in and what came out. */
export function ToolCard({ tool }: { tool: ToolPart }) {
  const [open, setOpen] = useState(false);
  return (
    <details
      open={open}
      onToggle={(event) => setOpen(event.currentTarget.open)}
      className="overflow-hidden rounded-lg border border-line bg-surface text-xs"
    >
      <summary className="flex min-h-8 list-none items-center gap-2 px-2.5 py-1 select-none hover:bg-hover [&::-webkit-details-marker]:hidden">
        <Icon name={icon(tool)} width="14" height="14" className="shrink-0 text-faint" />
        <span className="shrink-0 font-medium text-soft">{tool.tool}</span>
        <code className="min-w-0 flex-1 truncate text-faint">
          <Seen text={toolSummary(tool)} />
        </code>
        <Outcome tool={tool} />
        <Icon
          name="chevron"
          width="12"
          height="12"
          className={classes("shrink-0 text-faint transition-transform", open && "rotate-90")}
        />
      </summary>
      <Suspense>{open && <ToolInside tool={tool} />}</Suspense>
    </details>
  );
}

function icon(tool: ToolPart): IconName {
  if (tool.command !== null) return "terminal";
  return tool.changes.length > 0 ? "file" : tool.server === "relay" ? "send" : "tool";
}

function Outcome({ tool }: { tool: ToolPart }) {
  if (tool.endedAt === null) return <StateDot state="working" label={texts.session.running} />;
  if (tool.exitCode !== null && tool.exitCode !== 0)
    return <Badge tone="bad">{texts.session.exit(tool.exitCode)}</Badge>;
  if (tool.ok === false) return <Badge tone="bad">{texts.session.failed}</Badge>;
  return (
    <span className="shrink-0 text-2xs text-faint tabular-nums">{duration(tool.endedAt - tool.at)}</span>
  );
}
