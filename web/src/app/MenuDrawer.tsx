import { Dialog as Drawer } from "@base-ui/react/dialog";
import { DialogBackdrop, DialogClose } from "~/design/Dialog";
import { Account } from "./Account";
import { Sidebar } from "./Sidebar";
import * as texts from "~/texts";

/** The way through the pages where there is no room for a sidebar. */
export function MenuDrawer({ onClose }: { onClose: () => void }) {
  return (
    <Drawer.Root open onOpenChange={(next) => !next && onClose()}>
      <Drawer.Portal>
        <DialogBackdrop />
        <Drawer.Popup className="fixed inset-y-0 left-0 z-50 flex w-72 max-w-[85vw] flex-col bg-sunk text-text shadow-float transition-transform duration-150 outline-none data-ending-style:-translate-x-full data-starting-style:-translate-x-full">
          <div className="flex h-12 items-center justify-between pr-2 pl-4">
            <Drawer.Title className="font-semibold">{texts.shell.menu}</Drawer.Title>
            <DialogClose />
          </div>
          <Sidebar onGo={onClose} />
          <Account />
        </Drawer.Popup>
      </Drawer.Portal>
    </Drawer.Root>
  );
}
