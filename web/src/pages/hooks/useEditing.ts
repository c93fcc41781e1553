import { useState } from "react";
import type { Problem } from "~/design/problems";
import type { Refused } from "~/live/wire/ask";
import { useReadable } from "~/live/useReadable";
import { useTextCheck } from "~/live/useTextCheck";
import { draft, type Draft } from "./draft";
import { apply, check, problemsIn, type Saved } from "./hooks";

interface Editing {
  readonly text: string;
  /** Of the hooks that it would replace. */
  readonly version: number;
  /** Whether it says something else than what is saved. */
  readonly changed: boolean;
  readonly problems: readonly Problem[];
  /** Whether the problems are of this very text. */
  readonly bad: boolean;
  /** Why nobody has looked for problems. */
  readonly unchecked: string | undefined;
  readonly busy: boolean;
  /** Why it was not applied, where that is no problem in the text. */
  readonly failed: Refused | undefined;
  /** Whether it can be applied. */
  readonly applies: boolean;
  readonly edit: (text: string) => void;
  /** Go on from another draft, or from what is saved. */
  readonly leave: (next: Draft | null) => void;
  readonly save: () => void;
}

/** The text that is edited, with what is wrong with it, and what became of applying it. */
export function useEditing(
  saved: Saved,
  { onSaved, again }: { onSaved: (saved: Saved) => void; again: () => void },
): Editing {
  const kept = useReadable(draft);
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<Refused & { text: string }>();
  const text = kept?.text ?? saved.text;
  const version = kept?.version ?? saved.version;
  const checked = useTextCheck(text, check);
  const told = failed?.text === text ? problemsIn(failed) : [];
  const problems = told.length > 0 ? told : (checked?.found?.problems ?? []);
  const bad = problems.length > 0 && (told.length > 0 || checked?.text === text);
  // Those that were stopped go on once the hooks are applied anew, as they are.
  const differs = text !== saved.text || saved.hooks.some(({ stopped }) => stopped !== null);
  const leave = (next: Draft | null) => {
    setFailed(undefined);
    draft.set(next);
  };
  const save = () => {
    setBusy(true);
    void apply(text, version).then((answer) => {
      setBusy(false);
      if ("refused" in answer) {
        setFailed({ ...answer, text });
        again();
      } else {
        leave(null);
        onSaved(answer.value);
      }
    });
  };
  return {
    text,
    version,
    changed: kept !== null,
    problems,
    bad,
    unchecked: checked?.refused,
    busy,
    failed: failed && problemsIn(failed).length === 0 ? failed : undefined,
    applies: !busy && !bad && differs && text.trim() !== "",
    edit: (next) => draft.set(next === saved.text ? null : { text: next, version }),
    leave,
    save,
  };
}
