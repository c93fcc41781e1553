import { useState, type ReactNode } from "react";
import { AnsiText } from "~/design/ansi/AnsiText";
import { DiffBox } from "~/design/diff/Diff";
import { grouped } from "~/design/number";
import { Seen } from "~/design/Seen";
import type { FileChange, ToolPart } from "./model/entries";
import * as texts from "~/texts";

/** What is shown of a long output until one asks for all of it. */
const SHOWN_CHARACTERS = 4000;

/** What went into a tool, and what came out. */
export function ToolInside({ tool }: { tool: ToolPart }) {
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
          <Output text={tool.output} terminal />
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

/** `terminal`: colours are drawn, as only what a program has written has them. */
function Output({ text, terminal = false }: { text: string; terminal?: boolean }) {
  const [all, setAll] = useState(false);
  const long = text.length > SHOWN_CHARACTERS;
  const shown = long && !all ? text.slice(0, SHOWN_CHARACTERS) : text;
  return (
    <>
      <pre
        // Long output is scrolled by keyboard too.
        role="group"
        aria-label={texts.session.text}
        tabIndex={0}
        className="max-h-96 overflow-auto px-3 pt-0.5 pb-2 leading-5 break-words whitespace-pre-wrap"
      >
        {terminal ? <AnsiText text={shown} /> : <Seen text={shown} />}
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
