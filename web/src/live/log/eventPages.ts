import type { VariablesOf } from "gql.tada";
import { EVENTS_PAGE, type EventConnection, type SessionEvent } from "./events";
import { said } from "../wire/http";
import type { Live } from "../wire/live";
import * as texts from "~/texts";

/** Which of a session's events are read: the last so many, of those before a cursor when there is one. */
export type Asked = VariablesOf<typeof EVENTS_PAGE>;

interface Page {
  readonly state: "ready";
  readonly events: readonly SessionEvent[];
  readonly hasEarlier: boolean;
  /** Where the page ahead of it ends. */
  readonly before: string | null;
  /** Where the page behind it begins. */
  readonly after: string | null;
  /** The cursor of the log's end, from where to follow it. */
  readonly head: string;
}

/** What reading a page of a session's events came to. */
export type EventPage = Page | { readonly state: "missing" | "failed"; readonly message: string };

const ahead = new Map<string, Promise<EventPage>>();

/** Ask for a page that will be read in a moment: while a view is made ready, what it begins with is on its way. */
export function askAhead(live: Live, asked: Asked): void {
  ahead.set(JSON.stringify(asked), ask(live, asked));
}

/** A page of a session's events: the one that was asked for ahead, once, or as the broker has it now. */
export function eventPage(live: Live, asked: Asked): Promise<EventPage> {
  const key = JSON.stringify(asked);
  const awaited = ahead.get(key);
  ahead.delete(key);
  return awaited ?? ask(live, asked);
}

async function ask(live: Live, asked: Asked): Promise<EventPage> {
  const { data, error } = await live.unkept.query(EVENTS_PAGE, asked).toPromise();
  return readPage(data, said(error));
}

/** A page out of an answer, or why there is none. */
export function readPage(
  data: { session: { events: EventConnection } | null } | undefined,
  problem: string,
): EventPage {
  if (!data) return { state: "failed", message: problem };
  if (!data.session) return { state: "missing", message: texts.live.noSuchSession };
  const { nodes, pageInfo, head } = data.session.events;
  return {
    state: "ready",
    events: nodes,
    hasEarlier: pageInfo.hasPreviousPage,
    before: pageInfo.hasPreviousPage ? pageInfo.startCursor : null,
    after: pageInfo.endCursor,
    head,
  };
}
