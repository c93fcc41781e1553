import { useMemo, useState } from "react";
import { Button } from "../Button";
import { classes } from "../classes";
import { grouped } from "../number";
import { DiffRows } from "./DiffRows";
import { DiffText } from "./DiffText";
import { diffOf, firstHunks, type Diff as Parsed } from "./model/diffRows";
import * as texts from "~/texts";

/** A longer diff is drawn when somebody asks for it, so much at a time. */
const SHOWN_ROWS = 400;
const MORE_ROWS = 2000;

/** A file as somebody changed it. */
export interface Change {
  readonly path: string;
  readonly change: string;
  readonly diff: string | null;
}

/** The diff of a change, read; null when there is none or it cannot be read. */
export function useDiff({ path, change, diff }: Change): Parsed | null {
  return useMemo(() => (diff ? diffOf(path, change, diff) : null), [path, change, diff]);
}

/** A change's diff in a box of bounded height. */
export function DiffBox({ change }: { change: Change }) {
  return <Diff change={change} read={useDiff(change)} className="max-h-96 overflow-y-auto" />;
}

interface DiffProps {
  change: Change;
  /** From `useDiff`. */
  read: Parsed | null;
  split?: boolean;
  className?: string;
}

/** A change's diff: in rows, or as the agent gave it when it cannot be read, or that it gave none. */
export function Diff({ change, read, split = false, className = "" }: DiffProps) {
  const [most, setMost] = useState(SHOWN_ROWS);
  const rows = useMemo(() => firstHunks(read?.rows ?? [], most), [read, most]);
  const place = classes("border-t border-line", className);
  if (!change.diff)
    return <p className="border-t border-line px-3 py-2 text-xs text-faint">{texts.design.noDiff}</p>;
  if (read === null) return <DiffText diff={change.diff} className={place} />;
  const more = read.rows.length - rows.length;
  return (
    <>
      <DiffRows path={change.path} rows={rows} split={split} className={place} />
      {more > 0 && (
        <div className="border-t border-line p-1">
          <Button size="small" look="quiet" onClick={() => setMost(rows.length + MORE_ROWS)}>
            {more > MORE_ROWS
              ? texts.design.someMoreRows(grouped(MORE_ROWS), grouped(more))
              : texts.design.moreRows(grouped(more))}
          </Button>
        </div>
      )}
      {read.cut !== null && more === 0 && (
        <p className="border-t border-line px-3 py-2 text-xs text-warn">{texts.design.diffCut(read.cut)}</p>
      )}
    </>
  );
}
