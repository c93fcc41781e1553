import { readPage, type EventPage } from "./eventPages";
import { EVENTS_AFTER } from "./events";
import { EVENTS_AROUND, EVENTS_AT } from "./eventPlaces";
import { said } from "../wire/http";
import type { Live } from "../wire/live";
import * as texts from "~/texts";

/** The events behind a place. */
export async function eventsAfter(live: Live, session: string, after: string): Promise<EventPage> {
  const { data, error } = await live.unkept.query(EVENTS_AFTER, { session, after, first: 100 }).toPromise();
  return readPage(data, said(error));
}

/** An event, by its cursor, with what was logged on both sides of it. */
export async function eventsAround(live: Live, session: string, cursor: string): Promise<EventPage> {
  const { data, error } = await live.unkept.query(EVENTS_AROUND, { session, cursor, lines: 60 }).toPromise();
  const page = readPage(
    data && { session: data.session && { events: data.session.eventsAround } },
    said(error),
  );
  // The place is in a log that is no more: what was answered instead is somewhere else.
  if (page.state === "ready" && data?.session?.eventsAround.reset)
    return { state: "missing", message: texts.session.entryGone };
  return page;
}

/** The first event at or after a time; null when nothing was logged since. */
export async function eventAt(live: Live, session: string, at: Date): Promise<string | null> {
  const { data } = await live.unkept.query(EVENTS_AT, { session, at: at.toISOString() }).toPromise();
  return data?.session?.eventsAt.nodes[0]?.cursor ?? null;
}
