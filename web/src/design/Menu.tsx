import { Menu as Base } from "@base-ui/react/menu";
import type { ReactElement, ReactNode } from "react";
import { classes } from "./classes";
import { Kbd } from "./Kbd";

/** Actions that open from `trigger`, an element that takes button properties. */
export function Menu({ trigger, children }: { trigger: ReactElement; children: ReactNode }) {
  return (
    <Base.Root>
      <Base.Trigger render={trigger} />
      <Base.Portal>
        <Base.Positioner sideOffset={4} align="end" className="z-50 outline-none">
          <Base.Popup className="min-w-48 rounded-lg bg-raised p-1 text-text shadow-float outline-none transition-opacity duration-100 data-ending-style:opacity-0 data-starting-style:opacity-0">
            {children}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}

interface MenuItemProps {
  children: ReactNode;
  onSelect: () => void;
  keys?: string;
  danger?: boolean;
  disabled?: boolean;
}

/** One action of a menu. */
export function MenuItem({ children, onSelect, keys, danger = false, disabled = false }: MenuItemProps) {
  return (
    <Base.Item
      onClick={onSelect}
      disabled={disabled}
      className={classes(
        "flex h-8 cursor-default items-center gap-2 rounded-md px-2 outline-none select-none data-highlighted:bg-hover pointer-coarse:h-10",
        "data-disabled:text-faint",
        danger && "text-bad",
      )}
    >
      <span className="flex flex-1 items-center gap-2">{children}</span>
      {keys && <Kbd keys={keys} />}
    </Base.Item>
  );
}

/** Parts a menu. */
export function MenuLine() {
  return <Base.Separator className="my-1 h-px bg-line" />;
}
