import { classes } from "~/design/classes";

/** From here on a limit is near. */
const NEAR = 0.8;

/** How much of something is used. */
export function Bar({ label, used, limit }: { label: string; used: number; limit: number }) {
  const part = limit === 0 ? 0 : Math.min(used / limit, 1);
  return (
    <div
      role="meter"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={limit}
      aria-valuenow={Math.min(used, limit)}
      className="h-2 overflow-hidden rounded-full bg-active"
    >
      <div
        className={classes(
          "h-full rounded-full",
          part >= 1 ? "bg-bad" : part >= NEAR ? "bg-warn" : "bg-accent",
        )}
        style={{ width: `${part * 100}%` }}
      />
    </div>
  );
}
