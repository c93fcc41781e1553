import { Suspense, useState } from "react";
import { usePermissions } from "~/acting/usePermissions";
import { Button } from "~/design/Button";
import { Icon } from "~/design/Icon";
import { lazily } from "~/live/wire/code";
import * as texts from "~/texts";

const LinkMachineDialog = lazily(() =>
  import("./LinkMachineDialog").then((m) => ({ default: m.LinkMachineDialog })),
);

/** Opens the dialog that makes codes which link machines, for who may. */
export function LinkMachineButton() {
  const [isOpen, setOpen] = useState(false);
  if (!usePermissions().has("ADMINISTER")) return null;
  return (
    <>
      <Button size="small" onClick={() => setOpen(true)}>
        <Icon name="machine" width="13" height="13" />
        {texts.home.linkMachine}
      </Button>
      <Suspense>{isOpen && <LinkMachineDialog onClose={() => setOpen(false)} />}</Suspense>
    </>
  );
}
