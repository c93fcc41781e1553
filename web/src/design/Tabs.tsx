import { Tabs as Base } from "@base-ui/react/tabs";
import type { ReactNode } from "react";

interface TabsProps<Name extends string> {
  label: string;
  value: Name;
  onChange: (name: Name) => void;
  tabs: readonly { name: Name; title: ReactNode }[];
  /** In the same line, at its end. */
  action?: ReactNode;
  children?: ReactNode;
}

/** Views of one thing, of which one is shown. Each view is a `TabPanel`. */
export function Tabs<Name extends string>({
  label,
  value,
  onChange,
  tabs,
  action,
  children,
}: TabsProps<Name>) {
  return (
    <Base.Root value={value} onValueChange={(next) => onChange(next as Name)} className="contents">
      <div className="flex shrink-0 items-center justify-between border-b border-line px-3">
        <Base.List aria-label={label} className="relative flex gap-1">
          {tabs.map(({ name, title }) => (
            <Base.Tab
              key={name}
              value={name}
              className="relative flex h-9 items-center gap-1.5 px-2 font-medium text-faint transition-colors select-none hover:text-text data-active:text-text pointer-coarse:h-11"
            >
              {title}
            </Base.Tab>
          ))}
          <Base.Indicator className="absolute bottom-[-1px] left-0 h-0.5 w-(--active-tab-width) translate-x-(--active-tab-left) rounded-full bg-accent transition-all duration-150" />
        </Base.List>
        {action}
      </div>
      {children}
    </Base.Root>
  );
}

/** What one tab shows. */
export const TabPanel = Base.Panel;
