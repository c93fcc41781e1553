import type { ReactNode } from "react";
import { Command } from "./Command";

interface EmptyProps {
  title: string;
  children?: ReactNode;
  /** What to run to have something here. */
  command?: string | undefined;
}

/** Nothing here yet, and how to change that. */
export function Empty({ title, children, command }: EmptyProps) {
  return (
    <section className="mx-auto flex max-w-xl flex-col items-center gap-3 px-6 py-16 text-center">
      <h2 className="text-base text-text">{title}</h2>
      {children && <div className="text-faint text-pretty">{children}</div>}
      {command && <Command text={command} />}
    </section>
  );
}
