import { Suspense } from "react";
import { Button } from "~/design/Button";
import { useNow } from "~/design/now";
import { TextWithProblems } from "~/design/TextWithProblems";
import { dayOrClock } from "~/design/time";
import type { Refused } from "~/live/wire/ask";
import { lazily } from "~/live/wire/code";
import { DryRun } from "./DryRun";
import type { Saved } from "./hooks";
import { useEditing } from "./useEditing";
import * as texts from "~/texts";

// What reads YAML is loaded when somebody edits.
const HookForm = lazily(() => import("./form/HookForm").then((m) => ({ default: m.HookForm })));

interface EditorProps {
  saved: Saved;
  onSaved: (saved: Saved) => void;
  again: () => void;
}

/** The hooks as a form and as text: checked while one types, tried with the log, applied to the version that was read. */
export function Editor({ saved, onSaved, again }: EditorProps) {
  const editing = useEditing(saved, { onSaved, again });
  const { text, version, changed, problems, bad, busy, failed, edit, leave } = editing;
  return (
    <>
      <Standing saved={saved} changed={changed} />
      <div className="grid gap-4 lg:grid-cols-2">
        <Suspense fallback={<p className="text-faint">{texts.shared.loading}</p>}>
          <HookForm text={text} busy={busy} onChange={edit} />
        </Suspense>
        <TextWithProblems
          label={texts.hooks.text}
          text={text}
          problems={problems}
          busy={busy}
          stacked
          onChange={edit}
        />
      </div>
      <div className="flex flex-wrap items-center gap-2">
        <Button look="primary" disabled={!editing.applies} onClick={editing.save}>
          {texts.hooks.apply}
        </Button>
        {changed && (
          <Button look="quiet" disabled={busy} onClick={() => leave(null)}>
            {texts.hooks.discard}
          </Button>
        )}
        {text.trim() === "" && (
          <Button look="quiet" onClick={() => edit(EXAMPLE)}>
            {texts.hooks.insertExample}
          </Button>
        )}
      </div>
      {editing.unchecked && <p className="text-faint">{texts.hooks.notChecked(editing.unchecked)}</p>}
      {failed && (
        <Failure
          failed={failed}
          saved={saved}
          version={version}
          onKeep={() => leave({ text, version: saved.version })}
        />
      )}
      <DryRun text={text} bad={bad} />
    </>
  );
}

const EXAMPLE = `hooks:
  "agent:Worker-*":
    on_command_failed:
      - id: tell-lead
        relay: {to: Lead, text: "\${agent} failed: \${command} (exit \${exit_code})"}
`;

function Standing({ saved, changed }: { saved: Saved; changed: boolean }) {
  const now = useNow();
  return (
    <p className="text-xs text-faint">
      {saved.version === 0
        ? texts.hooks.neverSaved
        : texts.hooks.versionIs(saved.version, saved.by, dayOrClock(saved.at_ms, now))}
      {changed && <span className="text-warn"> · {texts.hooks.notApplied}</span>}
    </p>
  );
}

interface FailureProps {
  failed: Refused;
  saved: Saved;
  /** Of the hooks that the text would replace. */
  version: number;
  onKeep: () => void;
}

/** Why it was not applied. Where others were faster, one looks at theirs, or replaces it knowingly. */
function Failure({ failed, saved, version, onKeep }: FailureProps) {
  const conflict = failed.code === "HOOKS_CHANGED";
  return (
    <div
      role="alert"
      className="flex flex-col gap-2 rounded-lg border border-line bg-bad-soft px-3 py-2 text-bad"
    >
      <p>{conflict ? texts.hooks.conflict : failed.refused}</p>
      {conflict && saved.version !== version && (
        <>
          <details className="text-text">
            <summary className="cursor-pointer">{texts.hooks.theirs(saved.by, saved.version)}</summary>
            <pre className="mt-2 max-h-60 overflow-auto rounded-lg bg-code p-3 font-mono text-xs whitespace-pre-wrap text-soft">
              {saved.text}
            </pre>
          </details>
          <Button size="small" className="self-start" onClick={onKeep}>
            {texts.hooks.replaceTheirs}
          </Button>
        </>
      )}
    </div>
  );
}
