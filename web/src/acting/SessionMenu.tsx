import { useNavigate } from "@tanstack/react-router";
import { Suspense, useState } from "react";
import { toast } from "~/app/toast";
import { IconButton } from "~/design/Button";
import { Icon } from "~/design/Icon";
import { Menu, MenuItem } from "~/design/Menu";
import type { Session } from "~/live/documents";
import { useLive, useWorkspace } from "~/live/LiveContext";
import { lazily } from "~/live/wire/code";
import { act } from "./act";
import { ARCHIVE_SESSION } from "./documents";
import { usePermissions } from "./usePermissions";
import * as texts from "~/texts";

const RenameDialog = lazily(() => import("./SessionDialogs").then((m) => ({ default: m.RenameDialog })));
const AccessDialog = lazily(() => import("./AccessDialog").then((m) => ({ default: m.AccessDialog })));
const DeleteDialog = lazily(() => import("./SessionDialogs").then((m) => ({ default: m.DeleteDialog })));

/** Says to whom a session is open; renames it, puts it away, deletes it, for who may. */
export function SessionMenu({ session }: { session: Session }) {
  const may = usePermissions();
  const { queries } = useLive();
  const workspace = useWorkspace();
  const navigate = useNavigate();
  const [asking, setAsking] = useState<"rename" | "access" | "delete" | null>(null);
  const mayChange = may.has("SEND") && may.has("RELEASE");
  const mayDelete = may.has("ADMINISTER");
  const mayLook = may.has("READ_WORKSPACE");
  if (!mayLook) return null;
  const archive = async () => {
    const archived = !session.archived;
    const done = await act(queries, ARCHIVE_SESSION, { session: session.id, archived });
    workspace.refreshSoon();
    if (done.done)
      toast(archived ? texts.acting.archived(session.name) : texts.acting.unarchived(session.name));
    else toast(texts.acting.failed(texts.acting.archive), { description: done.message, failed: true });
  };
  const close = () => setAsking(null);
  return (
    <>
      <Menu
        trigger={
          <IconButton label={texts.acting.sessionSettings}>
            <Icon name="settings" />
          </IconButton>
        }
      >
        {mayChange && <MenuItem onSelect={() => setAsking("rename")}>{texts.acting.renameEllipsis}</MenuItem>}
        {mayChange && (
          <MenuItem onSelect={() => void archive()}>
            {session.archived ? texts.acting.unarchive : texts.acting.archive}
          </MenuItem>
        )}
        <MenuItem onSelect={() => setAsking("access")}>{texts.access.menu}</MenuItem>
        {mayDelete && (
          <MenuItem danger onSelect={() => setAsking("delete")}>
            {texts.acting.deleteEllipsis}
          </MenuItem>
        )}
      </Menu>
      <Suspense>
        {asking === "rename" && <RenameDialog session={session} onClose={close} />}
        {asking === "access" && <AccessDialog session={session} onClose={close} />}
        {asking === "delete" && (
          <DeleteDialog session={session} onClose={close} onDeleted={() => void navigate({ to: "/" })} />
        )}
      </Suspense>
    </>
  );
}
