import { Link } from "@tanstack/react-router";
import { AgentName } from "~/design/AgentName";
import { Badge, type Tone } from "~/design/Badge";
import { Diff, useDiff } from "~/design/diff/Diff";
import { Icon } from "~/design/Icon";
import { Timestamp } from "~/design/Timestamp";
import type { Edit } from "./model/groups";
import * as texts from "~/texts";

const WORDS: Record<string, { word: string; tone: Tone }> = {
  add: { word: "added", tone: "good" },
  delete: { word: "deleted", tone: "bad" },
  update: { word: "changed", tone: "neutral" },
};

/** One edit of one file, with its diff. */
export function EditCard({ edit, session, split }: { edit: Edit; session: string; split: boolean }) {
  const diff = useDiff(edit);
  const { word, tone } = WORDS[edit.change] ?? { word: edit.change, tone: "neutral" };
  return (
    <article
      data-path={edit.path}
      tabIndex={-1}
      aria-label={texts.logs.editOf(edit.path, word, edit.agent)}
      className="scroll-mt-2 overflow-hidden rounded-lg border border-line"
    >
      <header className="flex min-h-9 flex-wrap items-center gap-x-3 gap-y-1 bg-sunk px-3 py-1 text-xs">
        <code className="min-w-0 break-all">{edit.path}</code>
        <Badge tone={tone}>{word}</Badge>
        {diff && (
          <span className="tabular-nums">
            <span className="text-good">+{diff.added}</span> <span className="text-bad">−{diff.removed}</span>
          </span>
        )}
        <span className="ml-auto flex items-center gap-2">
          <AgentName name={edit.agent} />
          <Timestamp at={edit.at} />
          <Link
            to="/logs"
            search={{ session, line: edit.cursor }}
            aria-label={texts.logs.lineOf(edit.path)}
            title={texts.logs.inLog}
            className="flex size-6 items-center justify-center rounded text-faint hover:bg-active hover:text-text pointer-coarse:size-10"
          >
            <Icon name="link" width="12" height="12" />
          </Link>
        </span>
      </header>
      <Diff change={edit} read={diff} split={split} />
    </article>
  );
}
