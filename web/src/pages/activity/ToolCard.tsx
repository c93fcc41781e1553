import { useState, type ReactNode } from "react";
import { Badge } from "~/design/Badge";
import { classes } from "~/design/classes";
import { DiffBox } from "~/design/diff/Diff";
import { Icon, type IconName } from "~/design/Icon";
import { grouped } from "~/design/number";
import { StateDot } from "~/design/StateDot";
import { duration } from "~/design/time";
import { toolSummary } from "./model/toolSummary";
import type { FileChange, ToolPart } from "./model/entries";
import * as texts from "~/texts";

/** What is shown of a long output until one asks for all of it. */
const SHOWN_CHARACTERS = 4000;

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
        <code className="min-w-0 flex-1 truncate text-faint">{toolSummary(tool)}</code>
        <Outcome tool={tool} />
        <Icon
          name="chevron"
          width="12"
          height="12"
          className={classes("shrink-0 text-faint transition-transform", open && "rotate-90")}
        />
      </summary>
      {open && <Inside tool={tool} />}
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

function Inside({ tool }: { tool: ToolPart }) {
  return (
    <div className="border-t border-line bg-code">
      {tool.command !== null && (
        <Block label={tool.cwd ?? texts.session.command}>
          <Output text={`$ ${tool.command}`} />
        </Block>
      )}
      {tool.command === null && tool.input !== null && (
        <Block label={texts.session.input}>
          <Output text={typeof tool.input === "string" ? tool.input : JSON.stringify(tool.input, null, 2)} />
        </Block>
      )}
      {tool.changes.map((change) => (
        <Change key={change.path} change={change} />
      ))}
      {tool.output && (
        <Block label={texts.session.output}>
          <Output text={tool.output} />
        </Block>
      )}
    </div>
  );
}

function Block({ label, children }: { label: string; children: ReactNode }) {
  return (
    <section className="border-b border-line last:border-0">
      <h4 className="truncate px-3 pt-1.5 text-2xs font-medium text-faint">{label}</h4>
      {children}
    </section>
  );
}

const CHANGES: Record<string, string> = {
  add: texts.session.fileAdded,
  delete: texts.session.fileDeleted,
  update: texts.session.fileChanged,
};

function Change({ change }: { change: FileChange }) {
  return (
    <Block label={`${change.path} ${CHANGES[change.change] ?? change.change}`}>
      <DiffBox change={change} />
    </Block>
  );
}

function Output({ text }: { text: string }) {
  const [all, setAll] = useState(false);
  const long = text.length > SHOWN_CHARACTERS;
  return (
    <>
      <pre
        // Long output is scrolled by keyboard too.
        role="group"
        aria-label={texts.session.text}
        tabIndex={0}
        className="max-h-96 overflow-auto px-3 pt-0.5 pb-2 leading-5 break-words whitespace-pre-wrap"
      >
        {long && !all ? text.slice(0, SHOWN_CHARACTERS) : text}
      </pre>
      {long && !all && (
        <button
          type="button"
          onClick={() => setAll(true)}
          className="px-3 pb-2 text-accent-text underline underline-offset-2"
        >
          {texts.session.showAll(grouped(text.length))}
        </button>
      )}
    </>
  );
}
