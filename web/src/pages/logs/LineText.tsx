import { useMemo, useState } from "react";
import { AnsiText } from "~/design/ansi/AnsiText";
import { classes } from "~/design/classes";
import { grouped } from "~/design/number";
import { beginning, type Tone } from "./model/lines";
import * as texts from "~/texts";

const TONES: Record<Tone, string> = {
  plain: "text-text",
  quiet: "text-faint",
  good: "text-good",
  warn: "text-warn",
  bad: "text-bad",
};

/** A line's text with its terminal colours; a long one is cut until somebody asks for all of it. */
export function LineText({ text, tone }: { text: string; tone: Tone }) {
  // Of which text all is shown: the same place may show another line next.
  const [opened, setOpened] = useState<string | null>(null);
  const whole = opened === text;
  const begin = useMemo(() => beginning(text), [text]);
  const shown = begin === null || whole ? text : begin;
  return (
    <span className={classes("min-w-0 break-words whitespace-pre-wrap", TONES[tone])}>
      <AnsiText text={shown} />
      {begin !== null && (
        <button
          type="button"
          onClick={() => setOpened(whole ? null : text)}
          className="ml-2 rounded px-1 font-sans text-2xs text-accent-text underline underline-offset-2 hover:bg-hover pointer-coarse:py-2"
        >
          {whole ? texts.logs.showLess : texts.logs.showMore(grouped(text.length - begin.length))}
        </button>
      )}
    </span>
  );
}
