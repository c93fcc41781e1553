import { useLayoutEffect, useRef, useState, type RefObject } from "react";
import { LineRow } from "./LineRow";
import { ROW_PX, type LogLine } from "./model/lines";
import type { TailBuffer } from "./model/tailBuffer";

interface LogEndProps {
  buffer: TailBuffer<LogLine>;
  scroller: RefObject<HTMLDivElement | null>;
  session: string;
}

/**
 * The newest lines while they are followed. They stand at the foot of a space that keeps its height, so that new ones
 * move nothing, and each place on the screen keeps its elements: hundreds of lines a second are texts that change.
 */
export function LogEnd({ buffer, scroller, session }: LogEndProps) {
  const [height] = useState(() => buffer.length * ROW_PX);
  const [inSight, setInSight] = useState(40);
  const followed = useRef(false);
  useLayoutEffect(() => {
    const box = scroller.current;
    if (!box) return;
    const seen = new ResizeObserver(() => {
      setInSight(Math.ceil(box.clientHeight / ROW_PX) + 1);
      box.scrollTo(0, box.scrollHeight);
    });
    seen.observe(box);
    return () => seen.disconnect();
  }, [scroller]);
  useLayoutEffect(() => {
    const box = scroller.current;
    // Once the space is higher than the screen it does not grow, and asking would lay all out once more.
    if (!box || (followed.current && height > 2 * inSight * ROW_PX)) return;
    box.scrollTo(0, box.scrollHeight);
    followed.current = true;
  });
  const first = Math.max(0, buffer.length - inSight);
  return (
    <div className="flex flex-col justify-end" style={{ minHeight: height }}>
      {Array.from({ length: buffer.length - first }, (_, place) => {
        const line = buffer.at(first + place);
        return line && <LineRow key={place} line={line} session={session} />;
      })}
    </div>
  );
}
