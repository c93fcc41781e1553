import { keptAs } from "./wire/base";
import type { Viewer } from "./documents";
import { isGuest } from "./wire/guest";

/**
 * What the viewer was allowed to when this browser was here last. It decides what a page asks for first, before the
 * broker has said what they are allowed to now; it gives nobody anything.
 */
const KEPT = keptAs("relaycast.may");

type Permission = Viewer["permissions"][number];

/** Null where nobody was here, or a share is shown. */
export function rememberedViewer(): Viewer | null {
  if (isGuest()) return null;
  try {
    const kept = localStorage.getItem(KEPT);
    return kept === null ? null : { permissions: kept.split(" ") as Permission[], sessionKey: null };
  } catch {
    // A browser may forbid pages to keep anything: each visit is the first.
    return null;
  }
}

/** Keep what the broker says of who is signed in; null: nobody is any more. Who sees one session only is not kept. */
export function rememberViewer(viewer: Viewer | null): void {
  if (isGuest()) return;
  try {
    if (viewer?.sessionKey !== null) localStorage.removeItem(KEPT);
    else localStorage.setItem(KEPT, viewer.permissions.join(" "));
  } catch {
    // See above.
  }
}
