import { useCallback, useEffect, useRef, useState, type RefObject } from "react";

/** Closer to the end than this counts as at the end. */
const NEAR_PX = 48;

interface Follow {
  readonly scroller: RefObject<HTMLDivElement | null>;
  readonly content: RefObject<HTMLDivElement | null>;
  readonly following: boolean;
  /** How many came since the reader let go. */
  readonly unseen: number;
  readonly follow: () => void;
  /** Stay with what is in sight while older things are put above it. */
  readonly hold: () => void;
}

/** Keeps the end in sight while the reader is there, and leaves the reader alone anywhere else. */
export function useFollow(count: number): Follow {
  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  // The count at which the reader let go; null while following.
  const [letGoAt, setLetGoAt] = useState<number | null>(null);
  const followed = useRef(true);
  const latest = useRef(count);

  useEffect(() => {
    latest.current = count;
  }, [count]);

  useEffect(() => {
    const box = scroller.current;
    const inner = content.current;
    if (!box || !inner) return;
    const onScroll = () => {
      const near = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_PX;
      if (near === followed.current) return;
      followed.current = near;
      setLetGoAt(near ? null : latest.current);
    };
    const toEnd = () => {
      if (followed.current) box.scrollTop = box.scrollHeight;
    };
    // Before the next picture is drawn, so that streaming text never jumps.
    const grown = new ResizeObserver(toEnd);
    grown.observe(inner);
    grown.observe(box);
    box.addEventListener("scroll", onScroll, { passive: true });
    return () => {
      grown.disconnect();
      box.removeEventListener("scroll", onScroll);
    };
  }, []);

  const follow = useCallback(() => {
    const box = scroller.current;
    if (!box) return;
    followed.current = true;
    setLetGoAt(null);
    box.scrollTop = box.scrollHeight;
  }, []);

  const hold = useCallback(() => {
    // At the very top a browser keeps the top in sight, not what is being read.
    if (scroller.current?.scrollTop === 0) scroller.current.scrollTop = 1;
  }, []);

  return {
    scroller,
    content,
    following: letGoAt === null,
    unseen: letGoAt === null ? 0 : Math.max(0, count - letGoAt),
    follow,
    hold,
  };
}
