import { Live } from "~/live/wire/live";
import { Workspace } from "~/live/workspace";

let opened: { live: Live; workspace: Workspace } | undefined;

/** The page's one connection, opened when the first page that needs it is shown. */
export function connected(): { live: Live; workspace: Workspace } {
  if (!opened) {
    const live = new Live(__RELAYCAST_VERSION__);
    opened = { live, workspace: new Workspace(live) };
  }
  return opened;
}
