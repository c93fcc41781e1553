import { dayOrClock, whole } from "~/design/time";
import type { Pause } from "./pauses";
import * as texts from "~/texts";

/** Until when a budget or a limit makes something wait. */
export function Until({ pause: { isOver, until } }: { pause: Pause }) {
  if (isOver) return <span className="text-faint">{texts.billing.isOver}</span>;
  if (until === null) return isOver === null ? texts.billing.untilReleased : texts.billing.untilRaised;
  return <Instant at={until} />;
}

export function Instant({ at }: { at: string }) {
  const ms = Date.parse(at);
  return (
    <time dateTime={at} title={whole(ms)}>
      {dayOrClock(ms)}
    </time>
  );
}
