import { useVirtualizer } from "@tanstack/react-virtual";
import { useRef, type KeyboardEvent } from "react";
import { Badge } from "~/design/Badge";
import { useWide } from "~/design/useWide";
import { FleetLine } from "./FleetLine";
import type { Item } from "./model/fleet";
import * as texts from "~/texts";

const LINE_PX = 52;
const NARROW_LINE_PX = 116;
const GROUP_PX = 32;

interface FleetListProps {
  items: readonly Item[];
  /** The pointer has come over the list, or left it. */
  onHold: (held: boolean) => void;
}

/** The lines, of which only those in sight are drawn. Arrows go from agent to agent. */
export function FleetList({ items, onHold }: FleetListProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const wide = useWide();
  const linePx = wide ? LINE_PX : NARROW_LINE_PX;
  // eslint-disable-next-line react-hooks/incompatible-library -- nothing here is memoised by a compiler
  const lines = useVirtualizer({
    count: items.length,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => (items[index]?.type === "group" ? GROUP_PX : linePx),
    getItemKey: (index) => items[index]?.key ?? index,
    overscan: 4,
  });

  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>) => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    const line = (event.target as HTMLElement).closest("[data-line]");
    if (step === 0 || (event.target as HTMLElement).closest("[role=menu]")) return;
    let next = line instanceof HTMLElement ? Number(line.dataset.line) + step : 0;
    while (items[next]?.type === "group") next += step;
    if (!items[next]) return;
    event.preventDefault();
    lines.scrollToIndex(next);
    requestAnimationFrame(() =>
      scroller.current?.querySelector<HTMLElement>(`[data-line="${next}"] a[data-name]`)?.focus(),
    );
  };

  return (
    // What is scrolled is reached by keys; the rows in it have links and buttons of their own.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <div
      ref={scroller}
      role="region"
      aria-label={texts.home.agents}
      tabIndex={0}
      onKeyDown={onKeyDown}
      onPointerEnter={(event) => event.pointerType === "mouse" && onHold(true)}
      onPointerLeave={() => onHold(false)}
      className="min-h-48 flex-1 overflow-y-auto outline-offset-[-2px] [overflow-anchor:none]"
    >
      <div
        role="table"
        aria-label={texts.home.agents}
        aria-rowcount={items.length}
        className="relative w-full"
        style={{ height: lines.getTotalSize() }}
      >
        {lines.getVirtualItems().map((line) => {
          const item = items[line.index];
          return (
            item && (
              <div
                key={line.key}
                role="row"
                aria-rowindex={line.index + 1}
                data-line={line.index}
                className="absolute top-0 left-0 w-full"
                style={{ height: line.size, transform: `translateY(${line.start}px)` }}
              >
                {item.type === "agent" ? <FleetLine row={item.row} wide={wide} /> : <GroupHead item={item} />}
              </div>
            )
          );
        })}
      </div>
    </div>
  );
}

function GroupHead({ item }: { item: Extract<Item, { type: "group" }> }) {
  return (
    <div
      role="cell"
      className="flex h-full items-center gap-2 border-b border-line bg-sunk px-4 text-xs font-medium text-soft"
    >
      <h2 className="truncate">{item.title || texts.home.unknown}</h2>
      <Badge>{item.count}</Badge>
      {item.needing > 0 && <Badge tone="bad">{texts.home.needing(item.needing)}</Badge>}
    </div>
  );
}
