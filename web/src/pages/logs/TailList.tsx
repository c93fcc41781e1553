import { useRef, useState } from "react";
import { useCommands } from "~/app/commands";
import { Badge } from "~/design/Badge";
import { Button } from "~/design/Button";
import { Icon } from "~/design/Icon";
import { AllLines } from "./AllLines";
import { LogEnd } from "./LogEnd";
import { LogHistory } from "./LogHistory";
import type { LogTail, TailState } from "./logTail";

const NEAR_PX = 32;

/**
 * The lines, of which only those in sight are drawn. It follows the end, lets go when the reader scrolls up, and
 * stands still while paused.
 */
export function TailList({ tail, state, session }: { tail: LogTail; state: TailState; session: string }) {
  const { buffer } = tail;
  const { scroller, letGoAt, follow, onScroll } = useFollowing(tail);
  const [pausedAt, setPausedAt] = useState<number | null>(null);
  const unseen = buffer.end - (pausedAt ?? letGoAt ?? buffer.end);
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
        <span className="ml-auto">
          <AllLines />
        </span>
        <Button size="small" aria-pressed={pausedAt !== null} onClick={toggle}>
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
        {pausedAt === null && letGoAt === null ? (
          <LogEnd buffer={buffer} scroller={scroller} session={session} />
        ) : (
          <LogHistory tail={tail} state={state} scroller={scroller} session={session} until={pausedAt} />
        )}
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
  const place = useRef(0);
  // The line that would have been next when the reader let go; null while following.
  const [letGoAt, setLetGoAt] = useState<number | null>(null);
  const set = (follows: boolean) => {
    if (follows === (letGoAt === null)) return;
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
    buffer.hold(false);
    setLetGoAt(null);
  };
  return { scroller, letGoAt, onScroll, follow };
}
