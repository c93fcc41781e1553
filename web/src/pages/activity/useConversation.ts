import { useEffect, useState } from "react";
import { useLive } from "~/live/LiveContext";
import { SessionEvents, type Tail } from "~/live/sessionEvents";
import { Store } from "~/live/store";
import { useReadable } from "~/live/useReadable";
import { Conversation } from "./model/conversation";
import type { Entry } from "./model/entries";

/** A session's conversation as far as it was read. */
export interface Reading extends Pick<Tail, "state" | "message" | "hasEarlier" | "loadingEarlier"> {
  readonly entries: readonly Entry[];
  readonly loadEarlier: () => void;
}

const UNREAD: Reading = {
  state: "loading",
  entries: [],
  hasEarlier: false,
  loadingEarlier: false,
  loadEarlier: () => undefined,
};

/** Follow a session's conversation while the component is shown. */
export function useConversation(session: string): Reading {
  const live = useLive();
  const [reading] = useState(() => new Store<Reading>(UNREAD));
  useEffect(() => {
    const log = new SessionEvents(live, session);
    const told = new Retelling();
    const loadEarlier = () => void log.loadEarlier();
    const show = () => {
      const tail = log.tail.get();
      reading.set({ ...tail, entries: told.entries(tail), loadEarlier });
    };
    const stop = log.tail.subscribe(show);
    return () => {
      stop();
      log.close();
    };
  }, [live, session, reading]);
  return useReadable(reading);
}

/** Tells only what is new while events are added at the end; anything else is told from the beginning. */
class Retelling {
  #conversation = new Conversation();
  #first: string | undefined;
  #told = 0;
  #lastTold: string | undefined;

  entries(tail: Tail): readonly Entry[] {
    const { events } = tail;
    const continues = events[0]?.cursor === this.#first && events[this.#told - 1]?.cursor === this.#lastTold;
    if (!continues) {
      this.#conversation = new Conversation();
      this.#told = 0;
    }
    for (const event of events.slice(this.#told)) this.#conversation.add(event);
    this.#first = events[0]?.cursor;
    this.#told = events.length;
    this.#lastTold = events.at(-1)?.cursor;
    return this.#conversation.snapshot();
  }
}
