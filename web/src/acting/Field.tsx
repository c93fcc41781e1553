import type { ComponentProps, ReactNode } from "react";

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
