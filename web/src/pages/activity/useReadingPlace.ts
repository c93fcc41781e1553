import { useCallback, useLayoutEffect, useRef, useState, type RefObject } from "react";
import { around, boundsOf, held, THE_END, withEarlier, withLater } from "./model/drawn";
import type { Entry } from "./model/entries";
import { holds, type Row } from "./model/rows";
import { ScrollKeeper } from "./scrollKeeper";
import type { Reading } from "./useConversation";

/** What is nearer to what is in sight than this is drawn, and read where it was not. */
const AHEAD_PX = 1200;
/** What is further away than this is drawn no longer; far enough from what is drawn ahead that the two never take turns. */
const FAR_PX = 3 * AHEAD_PX;
/** While the end is followed, older entries are read until it fills the view; of one agent there may be few. */
const MOST_TO_FILL = 400;

interface ReadingPlace {
  readonly scroller: RefObject<HTMLDivElement | null>;
  readonly list: RefObject<HTMLOListElement | null>;
  /** The rows to draw, and whether there are others ahead of them. */
  readonly shown: readonly Row[];
  readonly hasEarlier: boolean;
  readonly following: boolean;
  /** How many messages and turns began since the reader let go. */
  readonly unseen: number;
  readonly follow: () => void;
  readonly earlier: () => void;
  readonly onScroll: () => void;
  /** The entry that was gone to. */
  readonly marked: Entry | null;
}

/**
 * Where a conversation is read: at its end, which stays in sight while it grows, or anywhere else, where what is in sight
 * stays while entries are drawn on both sides. `at` is the cursor of the place to be at;
 * `gone` changes whenever the reader goes to it.
 */
export function useReadingPlace(
  reading: Reading,
  wanted: readonly Row[],
  { at, gone }: { at: string | undefined; gone: number },
): ReadingPlace {
  const scroller = useRef<HTMLDivElement>(null);
  const list = useRef<HTMLOListElement>(null);
  const keeper = useRef<ScrollKeeper>(null);
  const [drawn, setDrawn] = useState(THE_END);
  // How much had arrived when the reader let go; null while following.
  const [letGoAt, setLetGoAt] = useState<number | null>(null);
  const awaited = useRef<string>(undefined);
  const [from, to] = boundsOf(drawn, wanted);
  const reachesEnd = to === wanted.length && !reading.hasLater;

  const letGo = () => {
    keeper.current?.letGo();
    setLetGoAt(reading.arrived);
    setDrawn(held(drawn, wanted));
  };
  const follow = useCallback(() => {
    awaited.current = undefined;
    setLetGoAt(null);
    setDrawn(THE_END);
    keeper.current?.follow();
    reading.goToEnd();
  }, [reading]);

  const earlier = () => {
    if (from > 0) setDrawn(withEarlier(drawn, wanted, keeper.current?.countBelow(FAR_PX) ?? 0));
    else if (reading.hasEarlier && !reading.loadingEarlier) reading.loadEarlier();
  };
  const later = () => {
    if (to < wanted.length) setDrawn(withLater(drawn, wanted, keeper.current?.countAbove(FAR_PX) ?? 0));
    else if (reading.hasLater && !reading.loadingLater) reading.loadLater();
  };
  /** Draw and read what is near. */
  const lookAround = () => {
    const keeps = keeper.current;
    if (!keeps || reading.state !== "ready") return;
    const mayFill = !keeps.following || from > 0 || reading.entries.length < MOST_TO_FILL;
    if (keeps.fromTop < AHEAD_PX && mayFill) earlier();
    else if (!keeps.following && keeps.fromEnd < AHEAD_PX) later();
  };
  const onScroll = () => {
    const keeps = keeper.current;
    if (!keeps) return;
    const up = keeps.scrolled();
    // Only the reader goes up: what grows or shrinks below moves nobody away from the end.
    if (keeps.following && up && !keeps.isNearEnd) letGo();
    else if (!keeps.following && !up && keeps.isNearEnd && reachesEnd) follow();
    else lookAround();
  };

  // Ahead of the effect that looks for what is awaited.
  useLayoutEffect(() => {
    awaited.current = at;
    if (at !== undefined) reading.goTo(at);
    // eslint-disable-next-line react-hooks/exhaustive-deps -- gone to once, not whenever something was read
  }, [at, gone]);

  useLayoutEffect(() => {
    const box = scroller.current;
    if (!box || !list.current) return;
    keeper.current = new ScrollKeeper(box, list.current);
    // Before the next picture is drawn, so that streaming text never jumps.
    const grown = new ResizeObserver(() => keeper.current?.settle());
    grown.observe(list.current);
    grown.observe(box);
    return () => grown.disconnect();
  }, []);

  // eslint-disable-next-line react-hooks/exhaustive-deps -- after every drawing; it comes to rest when there is enough
  useLayoutEffect(() => {
    const target = awaited.current === undefined ? null : reading.entryAt(awaited.current);
    const element = target && document.getElementById(`entry-${target.key}`);
    if (target && wanted.some((row) => holds(row, target))) {
      if (element) {
        awaited.current = undefined;
        letGo();
        keeper.current?.show(element);
      } else {
        keeper.current?.letGo();
        setLetGoAt(reading.arrived);
        setDrawn(around(target, wanted));
        return;
      }
    }
    keeper.current?.settle();
    lookAround();
  });

  return {
    scroller,
    list,
    shown: wanted.slice(from, to),
    hasEarlier: from > 0 || reading.hasEarlier,
    following: letGoAt === null,
    unseen: letGoAt === null ? 0 : reading.arrived - letGoAt,
    follow,
    earlier,
    onScroll,
    marked: at === undefined ? null : reading.entryAt(at),
  };
}
