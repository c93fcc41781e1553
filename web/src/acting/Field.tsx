import { useId, type ComponentProps, type ReactNode } from "react";

export const INPUT =
  "h-9 w-full rounded-lg border border-line-strong bg-surface px-2 placeholder:text-faint disabled:bg-sunk pointer-coarse:h-11";

/** A labelled place to fill in; `hint` says what happens when it is left empty. */
export function Field({
  id,
  label,
  hint,
  children,
}: {
  id: string;
  label: string;
  hint?: string;
  children: ReactNode;
}) {
  return (
    <div className="flex flex-col gap-1">
      <label htmlFor={id} className="text-xs text-soft">
        {label}
        {hint && <span className="text-faint"> · {hint}</span>}
      </label>
      {children}
    </div>
  );
}

/** A choice of few. */
export function Select({ className = "", ...rest }: ComponentProps<"select">) {
  return <select className={`${INPUT} ${className}`} {...rest} />;
}

interface ChoiceProps {
  label: string;
  hint?: string;
  value: string;
  options: readonly string[];
  /** An option for people. */
  words?: (option: string) => string;
  onChange: (value: string) => void;
}

/** One of some words, with its label. What holds now is among them, whether or not it is one that is offered. */
export function Choice({ label, hint, value, options, words, onChange }: ChoiceProps) {
  const id = useId();
  return (
    <Field id={id} label={label} {...(hint ? { hint } : {})}>
      <Select id={id} value={value} onChange={({ target }) => onChange(target.value)}>
        {(options.includes(value) ? options : [value, ...options]).map((each) => (
          <option key={each} value={each}>
            {words?.(each) ?? each}
          </option>
        ))}
      </Select>
    </Field>
  );
}

/** A place for a longer text; Enter with Ctrl or Cmd sends its form. */
export function TextArea(props: ComponentProps<"textarea">) {
  return (
    <textarea
      onKeyDown={(event) => {
        if (event.key === "Enter" && (event.metaKey || event.ctrlKey))
          event.currentTarget.form?.requestSubmit();
      }}
      className="w-full resize-y rounded-lg border border-line-strong bg-surface p-2"
      {...props}
    />
  );
}
