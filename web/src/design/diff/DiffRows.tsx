import { classes } from "~/design/classes";
import { unified, type Row, type Side, type UnifiedRow } from "./model/diffRows";

const LOOKS = {
  gap: "bg-sunk text-faint",
  same: "text-soft",
  removed: "bg-bad-soft text-bad",
  added: "bg-good-soft text-good",
} as const;
const SIGNS = { gap: "", same: " ", removed: "-", added: "+" } as const;

interface DiffRowsProps {
  rows: readonly Row[];
  split: boolean;
  label: string;
}

/** A diff, one under another or side by side. Signs stay, so that colour is not all there is. */
export function DiffRows({ rows, split, label }: DiffRowsProps) {
  return (
    <div
      role="region"
      aria-label={label}
      tabIndex={0}
      className="overflow-x-auto border-t border-line font-mono text-xs leading-5 outline-offset-[-2px]"
    >
      {split ? <SplitRows rows={rows} /> : <UnifiedRows rows={unified(rows)} />}
    </div>
  );
}

function UnifiedRows({ rows }: { rows: readonly UnifiedRow[] }) {
  return (
    <div className="min-w-max">
      {rows.map((row, number) => (
        <div key={number} className={classes("flex", LOOKS[row.type])}>
          <LineNumber line={row.type === "gap" ? null : row.old} />
          <LineNumber line={row.type === "gap" ? null : row.new} />
          <Text sign={SIGNS[row.type]} text={row.type === "gap" ? `… ${row.text}` : row.text} />
        </div>
      ))}
    </div>
  );
}

function SplitRows({ rows }: { rows: readonly Row[] }) {
  return (
    <div className="min-w-160">
      {rows.map((row, number) =>
        row.type === "gap" ? (
          <div key={number} className={classes("px-3", LOOKS.gap)}>
            … {row.new?.text}
          </div>
        ) : (
          <div key={number} className="grid grid-cols-2">
            <HalfRow side={row.old} look={row.type === "changed" ? "removed" : "same"} />
            <HalfRow side={row.new} look={row.type === "changed" ? "added" : "same"} />
          </div>
        ),
      )}
    </div>
  );
}

function HalfRow({ side, look }: { side: Side | null; look: keyof typeof LOOKS }) {
  if (!side) return <div className="border-r border-line bg-sunk last:border-r-0" />;
  return (
    <div className={classes("flex min-w-0 border-r border-line last:border-r-0", LOOKS[look])}>
      <LineNumber line={side.line} />
      <Text sign={SIGNS[look]} text={side.text} wrap />
    </div>
  );
}

function LineNumber({ line }: { line: number | null }) {
  return (
    <span aria-hidden="true" className="w-10 shrink-0 pr-2 text-right text-faint tabular-nums select-none">
      {line}
    </span>
  );
}

function Text({ sign, text, wrap = false }: { sign: string; text: string; wrap?: boolean }) {
  return (
    <>
      <span className="w-4 shrink-0 text-center select-none">{sign}</span>
      <span className={classes("min-w-0 pr-3", wrap ? "break-all whitespace-pre-wrap" : "whitespace-pre")}>
        {text || " "}
      </span>
    </>
  );
}
