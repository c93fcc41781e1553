import type { ReactNode } from "react";
import { Icon } from "./Icon";
import * as texts from "~/texts";

/** A fact that can be taken away, such as a condition of a search. */
export function Chip({
  children,
  onRemove,
  label,
}: {
  children: ReactNode;
  label: string;
  onRemove?: () => void;
}) {
  return (
    <span className="inline-flex h-6 max-w-full items-center gap-1 rounded-md border border-line bg-sunk pl-2 pr-1 text-xs text-soft">
      <span className="truncate">{children}</span>
      {onRemove && (
        <button
          type="button"
          aria-label={texts.design.remove(label)}
          className="rounded p-0.5 text-faint hover:bg-active hover:text-text pointer-coarse:p-2"
          onClick={onRemove}
        >
          <Icon name="close" width="12" height="12" />
        </button>
      )}
    </span>
  );
}
