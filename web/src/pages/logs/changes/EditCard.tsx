import { Link } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { AgentName } from "~/design/AgentName";
import { Badge, type Tone } from "~/design/Badge";
import { Button } from "~/design/Button";
import { Icon } from "~/design/Icon";
import { grouped } from "~/design/number";
import { Timestamp } from "~/design/Timestamp";
import { DiffRows } from "./DiffRows";
import { diffOf } from "./model/diffRows";
import type { Edit } from "./model/groups";

const WORDS: Record<string, { word: string; tone: Tone }> = {
  add: { word: "added", tone: "good" },
  delete: { word: "deleted", tone: "bad" },
  update: { word: "changed", tone: "neutral" },
};
/** A longer diff is drawn when somebody asks for it. */
const SHOWN_ROWS = 400;

/** One edit of one file, with its diff. */
export function EditCard({ edit, session, split }: { edit: Edit; session: string; split: boolean }) {
  const [whole, setWhole] = useState(false);
  const diff = useMemo(
    () => (edit.diff === null ? null : diffOf(edit.path, edit.change, edit.diff)),
    [edit.path, edit.change, edit.diff],
  );
  const { word, tone } = WORDS[edit.change] ?? { word: edit.change, tone: "neutral" };
  const isLong = diff !== null && diff.rows.length > SHOWN_ROWS && !whole;
  return (
    <article
      data-path={edit.path}
      tabIndex={-1}
      aria-label={`${edit.path}, ${word} by ${edit.agent}`}
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
            aria-label={`The line of the log that changed ${edit.path}`}
            title="In the log"
            className="flex size-6 items-center justify-center rounded text-faint hover:bg-active hover:text-text pointer-coarse:size-10"
          >
            <Icon name="link" width="12" height="12" />
          </Link>
        </span>
      </header>
      {diff === null ? (
        <p className="border-t border-line px-3 py-2 text-xs text-faint">
          {edit.diff === null ? "The agent gave no diff." : "What the agent gave cannot be read as a diff."}
        </p>
      ) : (
        <DiffRows
          rows={isLong ? diff.rows.slice(0, SHOWN_ROWS) : diff.rows}
          split={split}
          label={`Diff of ${edit.path}`}
        />
      )}
      {isLong && (
        <div className="border-t border-line p-1">
          <Button size="small" look="quiet" onClick={() => setWhole(true)}>
            Show {grouped(diff.rows.length - SHOWN_ROWS)} more rows
          </Button>
        </div>
      )}
    </article>
  );
}
