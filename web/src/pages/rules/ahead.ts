import type { Place } from "~/app/place";
import type { Live } from "~/live/wire/live";
import { RULES } from "./documents";

/** Ask for what the page at an address begins with. */
export function askAhead(live: Live, { may }: Place): void {
  if (may.has("READ_WORKSPACE")) live.askAhead(RULES, {});
}
