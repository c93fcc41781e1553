import { Dialog as Drawer } from "@base-ui/react/dialog";
import { IconButton } from "~/design/Button";
import { Icon } from "~/design/Icon";
import { Sidebar } from "./Sidebar";

/** The way through the pages where there is no room for a sidebar. */
export function MenuDrawer({ onClose }: { onClose: () => void }) {
  return (
    <Drawer.Root open onOpenChange={(next) => !next && onClose()}>
      <Drawer.Portal>
        <Drawer.Backdrop className="fixed inset-0 z-40 bg-black/35 transition-opacity duration-150 data-ending-style:opacity-0 data-starting-style:opacity-0" />
        <Drawer.Popup className="fixed inset-y-0 left-0 z-50 flex w-72 max-w-[85vw] flex-col bg-sunk text-text shadow-float transition-transform duration-150 outline-none data-ending-style:-translate-x-full data-starting-style:-translate-x-full">
          <div className="flex h-12 items-center justify-between pr-2 pl-4">
            <Drawer.Title className="font-semibold">Menu</Drawer.Title>
            <Drawer.Close
              render={
                <IconButton label="Close">
                  <Icon name="close" />
                </IconButton>
              }
            />
          </div>
          <Sidebar onGo={onClose} />
        </Drawer.Popup>
      </Drawer.Portal>
    </Drawer.Root>
  );
}
