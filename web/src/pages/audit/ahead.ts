import type { Place } from "~/app/place";
import type { Live } from "~/live/wire/live";
import { readAddress } from "./address";
import { AUDIT } from "./documents";

/** Ask for what the page at an address begins with. */
export function askAhead(live: Live, { search, may }: Place): void {
  if (may.has("ADMINISTER")) live.askAhead(AUDIT, { ...readAddress(search), after: null });
}
