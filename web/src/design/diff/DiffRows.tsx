import { useMemo, useRef } from "react";
import { Seen } from "../Seen";
import { classes } from "../classes";
import { marksOf } from "./model/changedWords";
import { unified, type Row, type Side } from "./model/diffRows";
import { pieces, type Piece } from "./model/pieces";
import { useSyntax } from "./useSyntax";
import * as texts from "~/texts";

const LOOKS = {
  gap: { row: "bg-sunk text-faint", sign: "", mark: "", says: "" },
  same: { row: "text-text", sign: "", mark: "", says: " " },
  removed: { row: "bg-bad-soft text-text", sign: "text-bad", mark: "bg-bad-mark", says: "-" },
  added: { row: "bg-good-soft text-text", sign: "text-good", mark: "bg-good-mark", says: "+" },
} as const;
type Look = keyof typeof LOOKS;

interface DiffRowsProps {
  path: string;
  rows: readonly Row[];
  split: boolean;
  className: string;
}

type Cut = (side: Side) => readonly Piece[];

/** A diff, one under another or side by side. Signs stay, so that colour is not all there is. */
export function DiffRows({ path, rows, split, className }: DiffRowsProps) {
  const box = useRef<HTMLDivElement>(null);
  const syntax = useSyntax(path, rows, box);
  const marks = useMemo(() => marksOf(rows), [rows]);
  const cut: Cut = (side) => pieces(side.text, syntax.get(side) ?? [], marks.get(side) ?? []);
  return (
    <div
      ref={box}
      role="group"
      aria-label={texts.design.diffOf(path)}
      tabIndex={0}
      className={classes("overflow-x-auto font-mono text-xs leading-5 outline-offset-[-2px]", className)}
    >
      {split ? <SplitRows rows={rows} cut={cut} /> : <UnifiedRows rows={rows} cut={cut} />}
    </div>
  );
}

interface RowsProps {
  rows: readonly Row[];
  cut: Cut;
}

function UnifiedRows({ rows, cut }: RowsProps) {
  return (
    <div className="min-w-max">
      {unified(rows).map((row, number) => (
        <div key={number} className={classes("flex", LOOKS[row.type].row)}>
          <LineNumber line={row.type === "gap" ? null : row.old} />
          <LineNumber line={row.type === "gap" ? null : row.new} />
          {row.type === "gap" ? <Gap text={row.side.text} /> : <Text look={row.type} text={cut(row.side)} />}
        </div>
      ))}
    </div>
  );
}

function SplitRows({ rows, cut }: RowsProps) {
  return (
    <div className="min-w-160">
      {rows.map((row, number) =>
        row.type === "gap" ? (
          <div key={number} className={classes("flex", LOOKS.gap.row)}>
            <Gap text={row.new?.text ?? ""} />
          </div>
        ) : (
          <div key={number} className="grid grid-cols-2">
            <HalfRow side={row.old} look={row.type === "changed" ? "removed" : "same"} cut={cut} />
            <HalfRow side={row.new} look={row.type === "changed" ? "added" : "same"} cut={cut} />
          </div>
        ),
      )}
    </div>
  );
}

function HalfRow({ side, look, cut }: { side: Side | null; look: Look; cut: Cut }) {
  if (!side) return <div className="border-r border-line bg-sunk last:border-r-0" />;
  return (
    <div className={classes("flex min-w-0 border-r border-line last:border-r-0", LOOKS[look].row)}>
      <LineNumber line={side.line} />
      <Text look={look} text={cut(side)} wrap />
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

/** Lines that are left out, with the name of what they end in where the diff tells. */
function Gap({ text }: { text: string }) {
  return <span className="px-3 whitespace-pre">… {text}</span>;
}

function Text({ look, text, wrap = false }: { look: Look; text: readonly Piece[]; wrap?: boolean }) {
  const { sign, mark, says } = LOOKS[look];
  return (
    <>
      <span className={classes("w-4 shrink-0 text-center select-none", sign)}>{says}</span>
      <span className={classes("min-w-0 pr-3", wrap ? "break-all whitespace-pre-wrap" : "whitespace-pre")}>
        {text.length === 0 && " "}
        {text.map((piece, place) => (
          <span key={place} data-syntax={piece.kind ?? undefined} className={piece.marked ? mark : undefined}>
            <Seen text={piece.text} />
          </span>
        ))}
      </span>
    </>
  );
}
