import { useRef, useState } from "react";
import { useCommands } from "~/app/commands";
import { Badge } from "~/design/Badge";
import { Button } from "~/design/Button";
import { Icon } from "~/design/Icon";
import { grouped } from "~/design/number";
import { LogEnd } from "./LogEnd";
import { LogHistory } from "./LogHistory";
import type { LogTail, TailState } from "./logTail";
import * as texts from "~/texts";

const NEAR_PX = 32;

/**
 * The lines, of which only those in sight are drawn. It follows the end, lets go when the reader scrolls up, and
 * stands still while paused.
 */
export function TailList({ tail, state, session }: { tail: LogTail; state: TailState; session: string }) {
  const { buffer } = tail;
  const { scroller, letGo, follow, onScroll, place } = useFollowing(tail);
  const [paused, setPaused] = useState<Place | null>(null);
  const from = paused ?? letGo;
  const unseen = from ? buffer.end - from.line : 0;
  const resume = () => {
    setPaused(null);
    follow();
  };
  const toggle = () => {
    if (paused) resume();
    else {
      buffer.hold(true);
      setPaused(place());
    }
  };
  useCommands([
    {
      id: "pause-log",
      title: paused ? texts.logs.goOn : texts.logs.pause,
      section: texts.logs.title,
      keys: "p",
      run: toggle,
    },
    { id: "follow-log", title: texts.logs.toNewest, section: texts.logs.title, keys: "G", run: resume },
  ]);
  return (
    <div className="relative flex min-h-0 flex-1 flex-col">
      <div className="flex min-h-10 shrink-0 items-center gap-2 border-b border-line px-3 text-xs text-faint">
        {paused ? (
          <Badge tone="warn">{texts.logs.paused}</Badge>
        ) : (
          <Badge tone={letGo ? "neutral" : "good"}>
            {letGo ? texts.logs.notFollowing : texts.logs.following}
          </Badge>
        )}
        <span className="tabular-nums">{texts.logs.lines(grouped(buffer.length))}</span>
        <Button size="small" className="ml-auto" aria-pressed={paused !== null} onClick={toggle}>
          {paused ? texts.logs.goOn : texts.logs.pause}
        </Button>
      </div>
      <div
        ref={scroller}
        role="log"
        aria-label={texts.logs.sessionLog}
        aria-live="off"
        tabIndex={0}
        onScroll={onScroll}
        className="min-h-0 flex-1 overflow-y-auto outline-offset-[-2px] [overflow-anchor:none]"
      >
        {from ? (
          <LogHistory
            tail={tail}
            state={state}
            scroller={scroller}
            session={session}
            until={paused?.line ?? null}
            fromEnd={from.fromEnd}
          />
        ) : (
          <LogEnd buffer={buffer} scroller={scroller} session={session} />
        )}
      </div>
      {unseen > 0 && (
        <Button
          look="primary"
          size="small"
          className="absolute bottom-4 left-1/2 -translate-x-1/2 rounded-full shadow-float"
          onClick={resume}
        >
          {texts.logs.newLines(grouped(unseen))}
          <Icon name="down" width="12" height="12" />
        </Button>
      )}
    </div>
  );
}

/** Where the reader let the log go. */
interface Place {
  /** The number of the line that would have been next. */
  readonly line: number;
  /** From the top of what was in sight to the end, in pixels. */
  readonly fromEnd: number;
}

/** Whether the end is kept in sight: until the reader scrolls up, and again once the end is reached. */
function useFollowing({ buffer }: LogTail) {
  const scroller = useRef<HTMLDivElement>(null);
  const top = useRef(0);
  const [letGo, setLetGo] = useState<Place | null>(null);
  const place = (): Place => {
    const box = scroller.current;
    return { line: buffer.end, fromEnd: box ? box.scrollHeight - box.scrollTop : 0 };
  };
  const follow = () => {
    buffer.hold(false);
    setLetGo(null);
  };
  const onScroll = () => {
    const box = scroller.current;
    if (!box) return;
    const isNear = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_PX;
    if (isNear && letGo) follow();
    // Lines that grow the list never move the reader up.
    else if (!isNear && !letGo && box.scrollTop < top.current - 2) {
      buffer.hold(true);
      setLetGo(place());
    }
    top.current = box.scrollTop;
  };
  return { scroller, letGo, follow, onScroll, place };
}
