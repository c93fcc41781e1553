import type { Place } from "~/app/place";
import type { Live } from "~/live/wire/live";
import { BUCKETS, FACETS, HISTOGRAM, HITS_AT_ONCE, SEARCH } from "./documents";
import { askForEnd } from "./logTail";
import { readAddress } from "./model/address";
import { quieted } from "./model/conditions";

/** Ask for what the page at an address begins with. */
export function askAhead(live: Live, { search, may }: Place): void {
  const { view, session = null, line, q = "", range, all } = readAddress(search);
  if (line !== undefined) return;
  if (view === "live" && session !== null) askForEnd(live, session);
  // A search in a span of time counts from when it is shown.
  if (view !== undefined || range !== undefined || !may.has("READ")) return;
  const asked = { query: all ? q : quieted(q), session };
  live.askAhead(SEARCH, { ...asked, first: HITS_AT_ONCE, after: null });
  live.askAhead(HISTOGRAM, { ...asked, buckets: BUCKETS });
  live.askAhead(FACETS, asked);
}
