import { Dialog as Base } from "@base-ui/react/dialog";
import { useRef, type ReactNode } from "react";
import { IconButton } from "./Button";
import { classes } from "./classes";
import { Icon } from "./Icon";
import * as texts from "~/texts";

const FIELDS = "input, select, textarea";

interface DialogProps {
  open: boolean;
  onClose: () => void;
  title: string;
  description?: ReactNode;
  wide?: boolean;
  /** The title is for screen readers alone, and the content draws its own head. */
  bare?: boolean;
  children: ReactNode;
}

/** A question or a task that takes the focus until it is done or dismissed; on a phone it rises from below. */
export function Dialog({ open, onClose, title, description, wide, bare, children }: DialogProps) {
  const popup = useRef<HTMLDivElement>(null);
  return (
    <Base.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Base.Portal>
        <DialogBackdrop />
        <Base.Popup
          ref={popup}
          // Who came by keyboard types at once; on a phone the keyboard would cover the question.
          initialFocus={(by) => by === "touch" || (popup.current?.querySelector<HTMLElement>(FIELDS) ?? true)}
          className={classes(
            "fixed z-50 flex max-h-[86dvh] w-full flex-col overflow-hidden bg-raised text-text shadow-float outline-none",
            "bottom-0 left-0 rounded-t-xl sm:top-[12vh] sm:bottom-auto sm:left-1/2 sm:max-h-[76dvh] sm:-translate-x-1/2 sm:rounded-xl",
            "transition duration-150 data-ending-style:opacity-0 data-starting-style:translate-y-2 data-starting-style:opacity-0",
            wide ? "sm:max-w-3xl" : "sm:max-w-xl",
          )}
        >
          {bare ? (
            <Base.Title className="sr-only">{title}</Base.Title>
          ) : (
            <header className="flex items-start gap-2 px-5 pt-4 pb-3">
              <div className="min-w-0 flex-1">
                <Base.Title className="text-base font-semibold">{title}</Base.Title>
                {description && (
                  <Base.Description className="mt-0.5 text-faint">{description}</Base.Description>
                )}
              </div>
              <DialogClose />
            </header>
          )}
          {children}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}

/** What dims the page behind a dialog. */
export function DialogBackdrop() {
  return (
    <Base.Backdrop className="fixed inset-0 z-40 bg-black/35 transition-opacity duration-150 data-ending-style:opacity-0 data-starting-style:opacity-0" />
  );
}

/** Dismisses the dialog it stands in. */
export function DialogClose() {
  return (
    <Base.Close
      render={
        <IconButton label={texts.design.close}>
          <Icon name="close" />
        </IconButton>
      }
    />
  );
}

/** The scrolling middle of a dialog. */
export function DialogBody({ children }: { children: ReactNode }) {
  return <div className="min-h-0 flex-1 overflow-y-auto px-5 pb-5">{children}</div>;
}

/** The buttons at a dialog's foot, the one that does it last. */
export function DialogFoot({ children }: { children: ReactNode }) {
  return (
    <footer className="flex flex-wrap justify-end gap-2 border-t border-line px-5 py-3">{children}</footer>
  );
}
