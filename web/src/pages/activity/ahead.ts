import type { Place } from "~/app/place";
import type { Live } from "~/live/wire/live";
import { askForEnd } from "~/live/log/sessionEvents";

/** Ask for what the page at an address begins with. */
export const askAhead = (live: Live, { key }: Place): void => askForEnd(live, key);
