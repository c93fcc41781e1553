import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { AgentName } from "~/design/AgentName";
import { Badge } from "~/design/Badge";
import { withoutEscapes } from "~/design/ansi/escapes";
import { classes } from "~/design/classes";
import { Icon } from "~/design/Icon";
import { Seen } from "~/design/Seen";
import { moment, whole } from "~/design/time";
import { Around } from "./Around";
import type { Hit } from "./documents";
import { pieces } from "./model/highlights";
import * as texts from "~/texts";

/** A line that was found, with what matched; it opens to show what was logged around it. */
export function HitRow({ line, named }: { line: Hit; named: boolean }) {
  const [open, setOpen] = useState(false);
  return (
    <li
      className={classes(
        "border-b border-l-2 border-b-line",
        line.ok ? "border-l-transparent" : "border-l-bad",
      )}
    >
      <div className="flex items-start hover:bg-hover">
        <button
          type="button"
          aria-expanded={open}
          onClick={() => setOpen(!open)}
          className="flex min-h-9 min-w-0 flex-1 flex-wrap items-baseline gap-x-3 gap-y-0.5 py-1.5 pr-2 pl-2 text-left outline-offset-[-2px]"
        >
          <Icon
            name="chevron"
            width="10"
            height="10"
            className={classes(
              "shrink-0 translate-y-px text-faint transition-transform",
              open && "rotate-90",
            )}
          />
          <time
            dateTime={line.at}
            title={whole(Date.parse(line.at))}
            className="shrink-0 font-mono text-xs text-faint tabular-nums"
          >
            {moment(Date.parse(line.at))}
          </time>
          {named && (
            <span className="max-w-32 shrink-0 truncate text-xs text-soft lg:w-16">
              {line.sessionName || "(gone)"}
            </span>
          )}
          <span className="max-w-32 shrink-0 truncate text-xs empty:hidden lg:w-24 lg:empty:block">
            {line.agent && <AgentName name={line.agent} />}
          </span>
          <span className="max-w-40 shrink-0 truncate text-xs text-faint lg:w-24 xl:w-32">
            {line.kind}
            {line.tool && ` · ${line.tool}`}
          </span>
          {line.exitCode !== null && line.exitCode !== 0 && (
            <Badge tone="bad">
              {texts.logs.exit} {line.exitCode}
            </Badge>
          )}
          <span className="line-clamp-2 min-w-0 basis-full pl-5.5 font-mono text-xs leading-5 break-words text-text lg:flex-1 lg:basis-0 lg:pl-0">
            {line.excerpt.text === "" && <span className="text-faint">{line.event}</span>}
            {pieces(line.excerpt.text, line.excerpt.highlights).map((piece, number) =>
              piece.marked ? (
                <mark key={number} className="rounded-xs bg-warn-soft font-semibold text-warn">
                  <Seen text={withoutEscapes(piece.text)} />
                </mark>
              ) : (
                <Seen key={number} text={withoutEscapes(piece.text)} />
              ),
            )}
          </span>
        </button>
        {line.sessionName && (
          <Link
            to="/logs"
            search={{ session: line.sessionName, line: line.cursor }}
            aria-label={texts.logs.linkTo}
            title={texts.logs.linkTo}
            className="m-1 flex size-7 shrink-0 items-center justify-center rounded-md text-faint hover:bg-active hover:text-text pointer-coarse:size-10"
          >
            <Icon name="link" width="14" height="14" />
          </Link>
        )}
      </div>
      {open && (
        <Around session={line.sessionKey} link={line.sessionName || line.sessionKey} cursor={line.cursor} />
      )}
    </li>
  );
}
