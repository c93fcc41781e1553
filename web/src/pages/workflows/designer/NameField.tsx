import { useId, useState } from "react";
import { Field, INPUT } from "~/acting/Field";
import * as texts from "~/texts";

interface NameFieldProps {
  label: string;
  name: string;
  /** Names of others of the kind. */
  taken: readonly string[];
  onRename: (name: string) => void;
}

/** A name, which holds once it was typed to its end: half a name would be another's. */
export function NameField({ label, name, taken, onRename }: NameFieldProps) {
  const id = useId();
  const [typed, setTyped] = useState<string>();
  const meant = (typed ?? name).trim();
  const wrong = taken.includes(meant)
    ? texts.designer.nameTaken
    : meant === ""
      ? texts.designer.nameEmpty
      : "";
  const end = () => {
    setTyped(undefined);
    if (typed !== undefined && wrong === "" && meant !== name) onRename(meant);
  };
  return (
    <Field id={id} label={label} {...(wrong ? { hint: wrong } : {})}>
      <input
        id={id}
        className={INPUT}
        value={typed ?? name}
        aria-invalid={wrong !== ""}
        maxLength={128}
        spellCheck={false}
        autoCapitalize="off"
        autoComplete="off"
        onChange={({ target }) => setTyped(target.value)}
        onBlur={end}
        onKeyDown={(event) => {
          if (event.key === "Enter") end();
          else if (event.key === "Escape") setTyped(undefined);
        }}
      />
    </Field>
  );
}
