import { DiffBox } from "~/design/diff/Diff";
import { Icon } from "~/design/Icon";
import { Seen } from "~/design/Seen";
import type { Asked } from "./documents";
import * as texts from "~/texts";

const BLOCK = "max-h-60 overflow-auto rounded-lg border border-line bg-code p-3 text-xs";

/** Exactly what the agent wants to do: the command, the edits, or the tool's input; and where. */
export function WhatIsAsked({ asked }: { asked: Asked }) {
  return (
    <div className="flex flex-col gap-2">
      {asked.command !== null && <Block text={asked.command} />}
      {asked.changes.map((change) => (
        <details key={change.path} open={asked.changes.length <= 3} className="rounded-lg border border-line">
          <summary className="flex items-center gap-2 px-3 py-2 text-xs">
            <Icon name="file" className="shrink-0 text-faint" />
            <span className="min-w-0 flex-1 break-all">
              <Seen text={change.path} />
            </span>
            <span className="text-faint">{change.change}</span>
          </summary>
          <DiffBox change={change} />
        </details>
      ))}
      {asked.command === null && asked.changes.length === 0 && asked.input !== null && (
        <Block text={JSON.stringify(asked.input, null, 2)} />
      )}
      {(asked.command !== null || asked.changes.length > 0) && asked.input !== null && (
        <details className="text-xs">
          <summary className="w-fit text-soft">{texts.inbox.wholeRequest}</summary>
          <Block text={JSON.stringify(asked.input, null, 2)} />
        </details>
      )}
      {asked.detail !== "" && (
        <p className="whitespace-pre-wrap break-words text-soft">
          <Seen text={asked.detail} />
        </p>
      )}
      {asked.cwd !== null && (
        <p className="flex items-center gap-1.5 text-xs text-faint">
          <Icon name="terminal" className="shrink-0" />
          <span className="sr-only">{texts.inbox.inFolder}</span>
          <span className="break-all">
            <Seen text={asked.cwd} />
          </span>
        </p>
      )}
      {asked.reason !== null && (
        <p className="text-soft text-pretty">
          <Seen text={asked.reason} />
        </p>
      )}
    </div>
  );
}

function Block({ text }: { text: string }) {
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- long ones are scrolled by keyboard too
    <pre tabIndex={0} className={BLOCK}>
      <code className="break-words whitespace-pre-wrap">
        <Seen text={text} />
      </code>
    </pre>
  );
}
