import type { Place } from "~/app/place";
import type { Live } from "~/live/wire/live";
import { INVITATIONS, PEOPLE } from "./documents";

/** Ask for what the page at an address begins with. */
export function askAhead(live: Live, { search, may }: Place): void {
  if (!may.has("ADMINISTER")) return;
  const { q } = search;
  live.askAhead(PEOPLE, { search: typeof q === "string" && q ? q : null, after: null });
  live.askAhead(INVITATIONS, {});
}
