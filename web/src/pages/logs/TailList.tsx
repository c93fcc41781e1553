import { useVirtualizer } from "@tanstack/react-virtual";
import { useLayoutEffect, useRef, useState } from "react";
import { useCommands } from "~/app/commands";
import { Badge } from "~/design/Badge";
import { Button } from "~/design/Button";
import { Icon } from "~/design/Icon";
import { LineRow } from "./LineRow";
import type { LogTail, TailState } from "./logTail";

const NEAR_PX = 32;
const ROW_PX = 24;

/**
 * The lines, of which only those in sight are drawn. It follows the end, lets go when the reader scrolls up, and
 * stands still while paused.
 */
export function TailList({ tail, state, session }: { tail: LogTail; state: TailState; session: string }) {
  const { buffer } = tail;
  const { scroller, letGoAt, follow, onScroll, followed } = useFollowing(tail);
  const [pausedAt, setPausedAt] = useState<number | null>(null);
  const count =
    pausedAt === null ? buffer.length : Math.max(0, Math.min(pausedAt, buffer.end) - buffer.first);
  const unseen = buffer.end - (pausedAt ?? letGoAt ?? buffer.end);
  // eslint-disable-next-line react-hooks/incompatible-library -- nothing here is memoised by a compiler
  const rows = useVirtualizer({
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    // Lines keep their measures when older ones come or go.
    getItemKey: (index) => buffer.first + index,
    overscan: 12,
  });

  useLayoutEffect(() => {
    const box = scroller.current;
    if (box && followed.current && pausedAt === null) box.scrollTop = box.scrollHeight;
  });

  const resume = () => {
    setPausedAt(null);
    follow();
  };
  const toggle = () => {
    if (pausedAt === null) {
      buffer.hold(true);
      setPausedAt(buffer.end);
    } else resume();
  };
  useCommands([
    {
      id: "pause-log",
      title: pausedAt === null ? "Pause" : "Go on",
      section: "Logs",
      keys: "p",
      run: toggle,
    },
    { id: "follow-log", title: "Go to the newest line", section: "Logs", keys: "G", run: resume },
  ]);

  const earlier = async () => {
    const before = buffer.first;
    await tail.loadEarlier();
    rows.scrollToIndex(before - buffer.first, { align: "start" });
  };
  return (
    <div className="relative flex min-h-0 flex-1 flex-col">
      <div className="flex min-h-10 shrink-0 items-center gap-2 border-b border-line px-3 text-xs text-faint">
        {pausedAt !== null ? (
          <Badge tone="warn">Paused</Badge>
        ) : (
          <Badge tone={letGoAt === null ? "good" : "neutral"}>
            {letGoAt === null ? "Following" : "Not following"}
          </Badge>
        )}
        <span className="tabular-nums">{buffer.length.toLocaleString()} lines</span>
        {state.hasEarlier && (
          <Button size="small" look="quiet" disabled={state.loadingEarlier} onClick={() => void earlier()}>
            Load earlier
          </Button>
        )}
        <Button size="small" className="ml-auto" aria-pressed={pausedAt !== null} onClick={toggle}>
          {pausedAt === null ? "Pause" : "Go on"}
        </Button>
      </div>
      <div
        ref={scroller}
        role="log"
        aria-label="The session’s log"
        aria-live="off"
        tabIndex={0}
        onScroll={onScroll}
        className="min-h-0 flex-1 overflow-y-auto outline-offset-[-2px] [overflow-anchor:none]"
      >
        <div className="relative w-full" style={{ height: rows.getTotalSize() }}>
          {rows.getVirtualItems().map((row) => {
            const line = buffer.at(row.index);
            return (
              line && (
                <div
                  key={row.key}
                  ref={rows.measureElement}
                  data-index={row.index}
                  className="absolute top-0 left-0 w-full"
                  style={{ transform: `translateY(${row.start}px)` }}
                >
                  <LineRow line={line} session={session} />
                </div>
              )
            );
          })}
        </div>
      </div>
      {unseen > 0 && (
        <Button
          look="primary"
          size="small"
          className="absolute bottom-4 left-1/2 -translate-x-1/2 rounded-full shadow-float"
          onClick={resume}
        >
          {unseen.toLocaleString()} new
          <Icon name="down" width="12" height="12" />
        </Button>
      )}
    </div>
  );
}

/** Whether the end is kept in sight: until the reader scrolls up, and again once the end is reached. */
function useFollowing({ buffer }: LogTail) {
  const scroller = useRef<HTMLDivElement>(null);
  const followed = useRef(true);
  const place = useRef(0);
  // The line that would have been next when the reader let go; null while following.
  const [letGoAt, setLetGoAt] = useState<number | null>(null);
  const set = (follows: boolean) => {
    if (follows === followed.current) return;
    followed.current = follows;
    buffer.hold(!follows);
    setLetGoAt(follows ? null : buffer.end);
  };
  const onScroll = () => {
    const box = scroller.current;
    if (!box) return;
    const isNear = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_PX;
    // Lines that grow the list never move the reader up.
    if (isNear) set(true);
    else if (box.scrollTop < place.current - 2) set(false);
    place.current = box.scrollTop;
  };
  const follow = () => {
    set(true);
    buffer.hold(false);
    const box = scroller.current;
    if (box) box.scrollTop = box.scrollHeight;
  };
  return { scroller, followed, letGoAt, onScroll, follow };
}
