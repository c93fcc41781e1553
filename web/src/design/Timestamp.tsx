import { moment, whole } from "./time";

/** A moment: the time of day, with the day where that is not today, and all of it on hover. */
export function Timestamp({ at, className }: { at: number; className?: string }) {
  return (
    <time
      dateTime={new Date(at).toISOString()}
      title={whole(at)}
      className={className ?? "text-2xs text-faint tabular-nums"}
    >
      {moment(at)}
    </time>
  );
}
