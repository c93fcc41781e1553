import type { Place } from "~/app/place";
import type { Live } from "~/live/live";
import { askForEnd } from "~/live/sessionEvents";

/** Ask for what the page at an address begins with. */
export const askAhead = (live: Live, { key }: Place): void => askForEnd(live, key);
