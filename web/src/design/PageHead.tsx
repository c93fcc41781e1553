import { useEffect, type ReactNode } from "react";
import { nameTab } from "./tab";
import * as texts from "~/texts";

interface PageHeadProps {
  title: string;
  /** Beside the title. */
  children?: ReactNode;
  /** At the right. */
  actions?: ReactNode;
}

/** The head of a page; it names the browser's tab too. */
export function PageHead({ title, children, actions }: PageHeadProps) {
  useEffect(() => {
    nameTab(texts.design.pageTitle(title));
  }, [title]);
  return (
    <header className="flex min-h-12 shrink-0 flex-wrap items-center gap-x-3 gap-y-1 border-b border-line px-4 py-2">
      <h1 className="truncate text-base">{title}</h1>
      {children}
      {actions && <div className="ml-auto flex items-center gap-2">{actions}</div>}
    </header>
  );
}
