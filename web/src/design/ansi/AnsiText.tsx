import "./ansi.css";
import { useMemo } from "react";
import { Seen } from "../Seen";
import { runs } from "./ansi";

/** What a program has written, with its colours; whatever else would hide or reorder text is drawn by its name. */
export function AnsiText({ text }: { text: string }) {
  const pieces = useMemo(() => runs(text), [text]);
  return pieces.map((run, number) =>
    run.look ? (
      <span key={number} className={run.look}>
        <Seen text={run.text} />
      </span>
    ) : (
      <Seen key={number} text={run.text} />
    ),
  );
}
