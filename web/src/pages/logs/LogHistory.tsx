import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useLayoutEffect, useRef, type RefObject } from "react";
import { LineRow } from "./LineRow";
import type { LogTail, TailState } from "./logTail";
import { ROW_PX } from "./model/lines";

/** With so few lines above what is in sight, older ones are asked for. */
const FEW = 20;

interface LogHistoryProps {
  tail: LogTail;
  state: TailState;
  scroller: RefObject<HTMLDivElement | null>;
  session: string;
  /** The number of the line to end before; null shows all there are. */
  until: number | null;
  /** Where to begin: from there to the end, in pixels. */
  fromEnd: number;
}

/** All lines that were read, while the reader looks around in them. Older ones come as their place is reached. */
export function LogHistory({ tail, state, scroller, session, until, fromEnd }: LogHistoryProps) {
  const { buffer } = tail;
  const count = until === null ? buffer.length : Math.max(0, Math.min(until, buffer.end) - buffer.first);
  // eslint-disable-next-line react-hooks/incompatible-library -- nothing here is memoised by a compiler
  const rows = useVirtualizer({
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    // Lines keep their measures when older ones come or go.
    getItemKey: (index) => buffer.first + index,
    initialOffset: () => Math.max(0, count * ROW_PX - fromEnd),
    overscan: 6,
  });
  const shown = rows.getVirtualItems();
  useStay(scroller, tail);

  const isNearTop = (shown[0]?.index ?? count) < FEW;
  const mayLoad = isNearTop && state.hasEarlier && !state.loadingEarlier;
  useEffect(() => {
    if (mayLoad) void tail.loadEarlier();
  }, [mayLoad, tail]);
  return (
    <div className="relative w-full" style={{ height: rows.getTotalSize() }}>
      {shown.map((row) => {
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
  );
}

/** Keeps what is in sight where it is while older lines are put above it. */
function useStay(scroller: RefObject<HTMLDivElement | null>, { buffer }: LogTail): void {
  const first = useRef(buffer.first);
  useLayoutEffect(() => {
    const added = first.current - buffer.first;
    first.current = buffer.first;
    if (added > 0) scroller.current?.scrollBy(0, added * ROW_PX);
  });
}
