import type { Place } from "~/app/place";
import { askAhead as askApiAhead } from "~/live/wire/ask";
import type { Live } from "~/live/wire/live";
import { PAUSES } from "~/live/pauses";
import { USED } from "./documents";
import { DAYS, lastDays } from "./model/days";

/** Ask for what the page at an address begins with. */
export function askAhead(live: Live, { may }: Place): void {
  if (may.has("METER")) {
    live.askAhead(USED, lastDays(DAYS, Date.now()));
    askApiAhead("/v1/plan");
    askApiAhead("/v1/billing");
  }
  if (may.has("READ_WORKSPACE") || may.has("BILL")) live.askAhead(PAUSES, {});
}
