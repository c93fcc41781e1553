import { useNow } from "~/design/now";
import { duration, whole } from "~/design/time";
import { classes } from "~/design/classes";

const SOON_MS = 5 * 60 * 1000;

/** How long there is to answer. When the time is over the broker denies by itself. */
export function Countdown({ deadline }: { deadline: string }) {
  const at = Date.parse(deadline);
  const left = at - useNow();
  return (
    <time
      dateTime={deadline}
      title={`Denied by itself at ${whole(at)}`}
      className={classes("text-xs tabular-nums", left < SOON_MS ? "text-bad" : "text-faint")}
    >
      {left > 0 ? `${duration(left)} left` : "time is over"}
    </time>
  );
}
