import { useNow } from "~/design/now";
import { duration, whole } from "~/design/time";
import { classes } from "~/design/classes";
import * as texts from "~/texts";

const SOON_MS = 5 * 60 * 1000;

/** How long there is to answer. When the time is over the broker denies by itself. */
export function Countdown({ deadline }: { deadline: string }) {
  const at = Date.parse(deadline);
  const left = at - useNow();
  return (
    <time
      dateTime={deadline}
      title={texts.inbox.denied(whole(at))}
      className={classes("text-xs tabular-nums", left < SOON_MS ? "text-bad" : "text-faint")}
    >
      {left > 0 ? texts.inbox.left(duration(left)) : texts.inbox.timeOver}
    </time>
  );
}
