import { Toast } from "@base-ui/react/toast";
import { useEffect } from "react";
import { IconButton } from "~/design/Button";
import { classes } from "~/design/classes";
import { Icon } from "~/design/Icon";
import { useReadable } from "~/live/useReadable";
import { unshown } from "./toast";
import * as texts from "~/texts";

const SHOWN_MS = 5000;

/** Where toasts appear. */
export function Toasts() {
  return (
    <Toast.Provider limit={4}>
      <Toast.Portal>
        <Toast.Viewport className="fixed right-3 bottom-3 left-3 z-60 flex flex-col gap-2 outline-none sm:left-auto sm:w-96">
          <ToastList />
        </Toast.Viewport>
      </Toast.Portal>
    </Toast.Provider>
  );
}

function ToastList() {
  const { toasts, add } = Toast.useToastManager();
  const said = useReadable(unshown);
  useEffect(() => {
    if (said.length === 0) return;
    unshown.set([]);
    for (const { title, description, failed } of said)
      add({
        title,
        description,
        type: failed ? "failed" : "done",
        timeout: failed ? 0 : SHOWN_MS,
        priority: failed ? "high" : "low",
      });
  }, [said, add]);
  return toasts.map((one) => (
    <Toast.Root
      key={one.id}
      toast={one}
      data-toast
      className="rounded-lg bg-raised p-3 text-text shadow-float transition duration-150 data-ending-style:opacity-0 data-starting-style:translate-y-2 data-starting-style:opacity-0"
    >
      <Toast.Content className="flex items-start gap-2">
        <Icon
          name={one.type === "failed" ? "warning" : "check"}
          className={classes("mt-0.5 shrink-0", one.type === "failed" ? "text-bad" : "text-good")}
        />
        <div className="min-w-0 flex-1">
          <Toast.Title className="font-medium" />
          <Toast.Description className="text-faint break-words" />
        </div>
        <Toast.Close
          render={
            <IconButton label={texts.shell.dismiss}>
              <Icon name="close" />
            </IconButton>
          }
        />
      </Toast.Content>
    </Toast.Root>
  ));
}
