import { useRef } from "react";
import { classes } from "./classes";
import { isError, placeOf, type Problem } from "./problems";
import { Words } from "./Words";
import * as texts from "~/texts";

interface TextWithProblemsProps {
  /** What the text is. */
  label: string;
  text: string;
  problems: readonly Problem[];
  /** While it is on its way, it stays as it is. */
  busy: boolean;
  /** Problems stand below, where there is no room beside it. */
  stacked?: boolean;
  onChange: (text: string) => void;
}

/** A text with the numbers of its lines, and what is wrong in it: each leads to its place. */
export function TextWithProblems({ label, text, problems, busy, stacked, onChange }: TextWithProblemsProps) {
  const area = useRef<HTMLTextAreaElement>(null);
  const numbers = useRef<HTMLDivElement>(null);
  const goTo = (problem: Problem) => {
    const at = placeOf(text, problem);
    area.current?.focus();
    area.current?.setSelectionRange(at, at);
  };
  const wrong = new Set(problems.filter(isError).map(({ line }) => line));
  return (
    <div className={classes("grid min-w-0 content-start gap-3", !stacked && "lg:grid-cols-[2fr_1fr]")}>
      <div className="flex h-96 min-w-0 overflow-hidden rounded-lg border border-line-strong bg-surface font-mono text-xs leading-5 has-focus-visible:outline-2">
        <div
          ref={numbers}
          aria-hidden
          className="shrink-0 overflow-hidden border-r border-line bg-sunk py-2 pr-2 pl-3 text-right text-faint select-none"
        >
          {text.split("\n").map((_, index) => (
            <div key={index} className={classes(wrong.has(index + 1) && "font-semibold text-bad")}>
              {index + 1}
            </div>
          ))}
          {/* As high as the text's own scrollbar may be. */}
          <div className="h-6" />
        </div>
        <textarea
          ref={area}
          aria-label={label}
          aria-invalid={problems.some(isError)}
          aria-describedby="text-problems"
          value={text}
          readOnly={busy}
          wrap="off"
          spellCheck={false}
          autoCapitalize="off"
          autoComplete="off"
          className="min-w-0 flex-1 resize-none bg-transparent p-2 whitespace-pre outline-none"
          onChange={({ target }) => onChange(target.value)}
          onScroll={({ currentTarget }) => {
            if (numbers.current) numbers.current.scrollTop = currentTarget.scrollTop;
          }}
        />
      </div>
      <section aria-label={texts.design.problems} id="text-problems" className="min-w-0">
        <div role="status">
          {problems.length === 0 ? (
            text.trim() !== "" && <p className="text-faint">{texts.design.noProblems}</p>
          ) : (
            <Problems problems={problems} onGo={goTo} />
          )}
        </div>
      </section>
    </div>
  );
}

function Problems({ problems, onGo }: { problems: readonly Problem[]; onGo: (problem: Problem) => void }) {
  return (
    <ul className="flex max-h-96 flex-col gap-1 overflow-y-auto">
      {problems.map((each) => (
        <li key={`${each.line}:${each.column} ${each.message}`}>
          <button
            type="button"
            onClick={() => onGo(each)}
            className="w-full rounded-md px-2 py-1.5 text-left outline-offset-[-2px] hover:bg-hover pointer-coarse:min-h-11"
          >
            <span
              className={classes(
                "mr-2 text-xs font-medium tabular-nums",
                isError(each) ? "text-bad" : "text-warn",
              )}
            >
              {texts.design.place(each.line, each.column)}
            </span>
            <span className="break-words text-soft">
              <Words text={each.message} />
            </span>
          </button>
        </li>
      ))}
    </ul>
  );
}
