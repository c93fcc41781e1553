import { useEffect, useRef, useState } from "react";
import { toast } from "~/app/toast";
import { useLive } from "~/live/LiveContext";
import { SessionEvents, type Tail } from "~/live/log/sessionEvents";
import { Store } from "~/live/wire/store";
import { useReadable } from "~/live/useReadable";
import type { Entry } from "./model/entries";
import { Retelling } from "./model/retelling";
import * as texts from "~/texts";

/** A session's conversation as far as it was read. */
export interface Reading extends Omit<Tail, "events" | "version"> {
  readonly entries: readonly Entry[];
  /** The same, as they were when one came, went or changed in more than what its agent does in a turn. */
  readonly outline: readonly Entry[];
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
  outline: [],
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
      reading.set({ ...tail, ...actions, entries: told.entries(tail), outline: told.outline });
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
