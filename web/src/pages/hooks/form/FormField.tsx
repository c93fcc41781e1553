import { useId, useState } from "react";
import { Field, INPUT, Select, TextArea } from "~/acting/Field";
import { nameOf, type FieldSpec, type Filled } from "./fields";
import { LABELS } from "./labels";
import { typedAs, writtenAs } from "./typing";
import * as texts from "~/texts";

interface FormFieldProps {
  spec: FieldSpec;
  /** undefined: nothing is said. */
  value: Filled | undefined;
  onChange: (value: Filled | undefined) => void;
}

/** One field of a hook. */
export function FormField({ spec, value, onChange }: FormFieldProps) {
  const id = useId();
  const label = LABELS[nameOf(spec)] ?? nameOf(spec);
  switch (spec.kind) {
    case "flag":
      return (
        <label className="flex min-h-9 items-center gap-2 self-end pointer-coarse:min-h-11">
          <input
            type="checkbox"
            checked={Boolean(value ?? spec.otherwise)}
            onChange={({ target }) =>
              onChange(target.checked === Boolean(spec.otherwise) ? undefined : target.checked)
            }
          />
          {label}
        </label>
      );
    case "choice": {
      const [usual = "", ...others] = spec.choices ?? [];
      return (
        <Field id={id} label={label}>
          <Select
            id={id}
            value={typeof value === "string" ? value : usual}
            onChange={({ target }) => onChange(target.value === usual ? undefined : target.value)}
          >
            <option value={usual}>{usual === "" ? texts.hooks.otherwiseHolds : usual}</option>
            {others.map((each) => (
              <option key={each}>{each}</option>
            ))}
          </Select>
        </Field>
      );
    }
    default:
      return <Typed id={id} label={label} spec={spec} value={value} onChange={onChange} />;
  }
}

/** What is typed stays as it was typed for as long as it means what the text says. */
function Typed({ id, label, spec, value, onChange }: FormFieldProps & { id: string; label: string }) {
  const [typed, setTyped] = useState("");
  const written = writtenAs(value);
  const shown = writtenAs(typedAs(spec, typed)) === written ? typed : written;
  const type = (next: string) => {
    setTyped(next);
    const meant = typedAs(spec, next);
    if (writtenAs(meant) !== written) onChange(meant);
  };
  const many = spec.kind === "lines" || spec.kind === "codes";
  return (
    <Field id={id} label={label} {...(many ? { hint: texts.hooks.onePerLine } : {})}>
      {many ? (
        <TextArea id={id} rows={2} value={shown} onChange={({ target }) => type(target.value)} />
      ) : (
        <input
          id={id}
          className={INPUT}
          value={shown}
          inputMode={spec.kind === "number" ? "numeric" : "text"}
          spellCheck={false}
          autoCapitalize="off"
          autoComplete="off"
          onChange={({ target }) => type(target.value)}
        />
      )}
    </Field>
  );
}
