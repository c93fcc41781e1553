import { useEffect, useRef, useState } from "react";
import { toast } from "~/app/toast";
import type { SessionEvent } from "~/live/events";
import { offsetOf } from "~/live/eventWindow";
import { useLive } from "~/live/LiveContext";
import { SessionEvents, type Tail } from "~/live/sessionEvents";
import { Store } from "~/live/store";
import { useReadable } from "~/live/useReadable";
import { Conversation } from "./model/conversation";
import type { Entry } from "./model/entries";
import * as texts from "~/texts";

/** A session's conversation as far as it was read. */
export interface Reading extends Omit<Tail, "events" | "version"> {
  readonly entries: readonly Entry[];
  readonly loadEarlier: () => void;
  readonly loadLater: () => void;
  /** Be at the end again. */
  readonly goToEnd: () => void;
  /** Read what was said at a place of the log, whether or not it is read yet. */
  readonly goTo: (cursor: string) => void;
  /** Read what was said from a time on; tells where that is. */
  readonly goToTime: (at: Date) => Promise<string | null>;
  /** The entry that tells of the event at a cursor, once it was read. */
  readonly entryAt: (cursor: string) => Entry | null;
}

const nothing = () => undefined;
const UNREAD: Reading = {
  state: "loading",
  entries: [],
  hasEarlier: false,
  loadingEarlier: false,
  hasLater: false,
  loadingLater: false,
  arrived: 0,
  loadEarlier: nothing,
  loadLater: nothing,
  goToEnd: nothing,
  goTo: nothing,
  goToTime: () => Promise.resolve(null),
  entryAt: () => null,
};

/** Follow a session's conversation while the component is shown; `at` is the place to open it at, if not its end. */
export function useConversation(session: string, at: string | undefined): Reading {
  const live = useLive();
  const [reading] = useState(() => new Store<Reading>(UNREAD));
  const begin = useRef(at);
  useEffect(() => {
    const cursor = begin.current;
    const log = new SessionEvents(live, session, {
      ...(cursor !== undefined && { at: { cursor, missing: sayMissing } }),
    });
    const told = new Retelling();
    const say = (problem: string | null) => {
      if (problem !== null) sayMissing(problem);
    };
    const actions = {
      loadEarlier: () => void log.loadEarlier(),
      loadLater: () => void log.loadLater(),
      goToEnd: () => void log.goToEnd().then(say),
      goTo: (cursor: string) => void (told.entryAt(cursor) === null && log.goTo(cursor).then(say)),
      goToTime: async (at: Date) => {
        const { cursor, problem } = await log.goToTime(at);
        say(problem);
        return cursor;
      },
      entryAt: (cursor: string) => told.entryAt(cursor),
    };
    const show = () => {
      const tail = log.tail.get();
      reading.set({ ...tail, ...actions, entries: told.entries(tail) });
    };
    const stop = log.tail.subscribe(show);
    return () => {
      stop();
      log.close();
    };
  }, [live, session, reading]);
  return useReadable(reading);
}

const sayMissing = (why: string) => toast(texts.session.placeNotShown, { description: why, failed: true });

/** Tells only what is new while events are added at the end; anything else is told from the beginning. */
class Retelling {
  #conversation = new Conversation();
  #first: string | undefined;
  #told = 0;
  #lastTold: string | undefined;
  #entries: readonly Entry[] = [];
  #reach = "";
  /** The offset of the last event that was told. */
  #last = -1;

  entries(tail: Tail): readonly Entry[] {
    const { events } = tail;
    const continues = events[0]?.cursor === this.#first && events[this.#told - 1]?.cursor === this.#lastTold;
    const reach = `${tail.hasEarlier} ${tail.hasLater}`;
    if (continues && events.length === this.#told && reach === this.#reach) return this.#entries;
    this.#reach = reach;
    if (!continues) {
      this.#conversation = new Conversation();
      this.#told = 0;
    }
    for (const event of events.slice(this.#told)) this.#conversation.add(event);
    this.#first = events[0]?.cursor;
    this.#told = events.length;
    this.#lastTold = events.at(-1)?.cursor;
    this.#last = events.at(-1)?.offset ?? -1;
    this.#entries = whole(this.#conversation.snapshot(), tail);
    return this.#entries;
  }

  entryAt(cursor: string): Entry | null {
    const offset = offsetOf(cursor);
    const isRead = this.#first !== undefined && offset >= offsetOf(this.#first) && offset <= this.#last;
    const key = isRead ? this.#conversation.tellerOf(offset) : null;
    return this.#entries.find((entry) => entry.key === key) ?? null;
  }
}

/** Without what begins ahead of what was read; and what goes on behind it does not run on. */
function whole(entries: readonly Entry[], tail: Tail): readonly Entry[] {
  const shown = tail.hasEarlier ? entries.filter((entry) => entry.type !== "turn" || !entry.torn) : entries;
  return tail.hasLater ? shown.map((entry) => cut(entry, tail.events.at(-1))) : shown;
}

function cut(entry: Entry, last: SessionEvent | undefined): Entry {
  if (entry.type !== "turn" || entry.endedAt !== null || !last) return entry;
  return { ...entry, cutAt: Date.parse(last.at) };
}
