import { useEffect, useId, useRef, useState } from "react";
import { Choice, Field, INPUT, TextArea } from "~/acting/Field";
import { Button } from "~/design/Button";
import { changeKind, connect, disconnect, fillIn, renameStep, type Changed } from "./model/changing";
import { CHECKS, CHECKS_ALONE, KINDS, type FieldSpec } from "./model/fields";
import { canWait, type Design, type DesignedStep } from "./model/reading";
import { NameField } from "./NameField";
import { checkWords, kindWords } from "./words";
import * as texts from "~/texts";

interface StepFormProps {
  step: DesignedStep;
  design: Design;
  text: string;
  /** It was added just now: its name comes first. */
  isNew: boolean;
  onChange: (text: string, what?: string) => void;
  onRenamed: (changed: Changed) => void;
  onRemove: () => void;
}

/** The chosen step. */
export function StepForm({ step, design, text, isNew, onChange, onRenamed, onRemove }: StepFormProps) {
  const heading = useId();
  const form = useRef<HTMLElement>(null);
  const [opened, setOpened] = useState(() =>
    step.fields.some(({ name, rare }) => rare && step.filled.has(name)),
  );
  useEffect(() => {
    if (!isNew) return;
    const name = form.current?.querySelector("input");
    name?.focus();
    name?.select();
  }, [isNew]);
  const others = design.steps.filter(({ name }) => name !== step.name);
  const field = (spec: FieldSpec) => (
    <StepField
      key={spec.name}
      spec={spec}
      step={step}
      design={design}
      onChange={(value) =>
        onChange(fillIn(text, step, spec.name, value), `${step.path.join(" ")} ${spec.name}`)
      }
    />
  );
  return (
    <section
      ref={form}
      aria-labelledby={heading}
      className="flex min-w-0 flex-col gap-3 rounded-xl border border-line p-4"
    >
      <h3 id={heading} className="truncate font-semibold">
        {texts.designer.step(step.name)}
      </h3>
      {step.locked && <p className="text-warn">{texts.designer.locked}</p>}
      <fieldset disabled={step.locked} className="contents">
        <div className="grid gap-3 sm:grid-cols-2">
          <NameField
            label={texts.designer.name}
            name={step.name}
            taken={others.map(({ name }) => name)}
            onRename={(name) => onRenamed(renameStep(text, step, name))}
          />
          <Choice
            label={texts.designer.kind}
            value={step.kind}
            options={KINDS}
            words={kindWords}
            onChange={(kind) => onChange(changeKind(text, step, kind))}
          />
        </div>
        {step.fields.filter(({ rare }) => !rare).map(field)}
        <WaitsFor
          step={step}
          others={others}
          canWait={(before) => canWait(design.steps, step.name, before)}
          onChange={(before, waits) =>
            onChange(waits ? connect(text, step, before) : disconnect(text, step, before))
          }
        />
        <details open={opened} onToggle={({ currentTarget }) => setOpened(currentTarget.open)}>
          <summary className="cursor-pointer py-1 text-soft hover:text-text">{texts.designer.more}</summary>
          <div className="mt-1 grid gap-3 sm:grid-cols-2">
            {step.fields.filter(({ rare }) => rare).map(field)}
          </div>
        </details>
        {step.unshown.length > 0 && (
          <p className="text-xs text-faint">{texts.designer.unshown(step.unshown.join(", "))}</p>
        )}
        <Button look="danger" className="self-start" onClick={onRemove}>
          {texts.designer.removeStep}
        </Button>
      </fieldset>
    </section>
  );
}

interface StepFieldProps {
  spec: FieldSpec;
  step: DesignedStep;
  design: Design;
  onChange: (value: string) => void;
}

function StepField({ spec, step, design, onChange }: StepFieldProps) {
  const id = useId();
  const value = step.filled.get(spec.name) ?? "";
  const { label, hint } = texts.designer.fields[spec.name];
  switch (spec.holds) {
    case "agent":
      return (
        <Choice
          label={label}
          value={value}
          options={design.agents.map(({ name }) => name)}
          onChange={onChange}
        />
      );
    case "check":
      return (
        <Choice
          label={label}
          value={value}
          options={["", ...CHECKS]}
          words={(check) => (check === "" ? texts.designer.noCheck : checkWords(check))}
          onChange={onChange}
        />
      );
    case "lines":
      return (
        <Field id={id} label={label} hint={hint}>
          <TextArea id={id} rows={4} value={value} onChange={({ target }) => onChange(target.value)} />
        </Field>
      );
    default: {
      const check = step.filled.get("check") ?? "";
      if (spec.name === "expected" && (check === "" || CHECKS_ALONE.has(check))) return null;
      const isNumber = spec.holds === "number";
      return (
        <Field id={id} label={label} hint={hint}>
          <input
            id={id}
            className={INPUT}
            value={value}
            inputMode={isNumber ? "numeric" : "text"}
            autoComplete="off"
            onChange={({ target }) =>
              onChange(isNumber ? target.value.replace(/\D/g, "").slice(0, 9) : target.value)
            }
          />
        </Field>
      );
    }
  }
}

interface WaitsForProps {
  step: DesignedStep;
  others: readonly DesignedStep[];
  canWait: (before: string) => boolean;
  onChange: (before: string, waits: boolean) => void;
}

/** The same lines as in the drawing, for who has no pointer. */
function WaitsFor({ step, others, canWait, onChange }: WaitsForProps) {
  const [opened, setOpened] = useState(false);
  if (others.length === 0) return null;
  return (
    <details open={opened} onToggle={({ currentTarget }) => setOpened(currentTarget.open)}>
      <summary className="cursor-pointer py-1 text-soft hover:text-text">
        {step.after.length === 0
          ? texts.designer.waitsForNone
          : texts.designer.waitsFor(step.after.join(", "))}
      </summary>
      <div className="mt-1 flex max-h-48 flex-col overflow-y-auto">
        {others.map(({ name }) => {
          const waits = step.after.includes(name);
          return (
            <label key={name} className="flex min-h-8 items-center gap-2 pointer-coarse:min-h-11">
              <input
                type="checkbox"
                checked={waits}
                disabled={!waits && !canWait(name)}
                onChange={({ target }) => onChange(name, target.checked)}
              />
              <span className="min-w-0 truncate">{name}</span>
            </label>
          );
        })}
      </div>
    </details>
  );
}
