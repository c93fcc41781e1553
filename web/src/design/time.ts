const CLOCK = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hour12: false,
});
const SHORT_CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hour12: false });
const DAY = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric" });
const WHOLE = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });

/** 14:03:07 */
export const clock = (at: number): string => CLOCK.format(at);

/** 14:03 */
export const shortClock = (at: number): string => SHORT_CLOCK.format(at);

/** The day, hour, second and zone. */
export const whole = (at: number): string => WHOLE.format(at);

/** 14:03 today, "Mar 4" on another day. */
export function dayOrClock(at: number, now = Date.now()): string {
  return new Date(at).toDateString() === new Date(now).toDateString() ? shortClock(at) : DAY.format(at);
}

/** How long: 240 ms, 4.2 s, 3 m 20 s, 2 h 5 m, 3 d 4 h. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  const seconds = ms / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  const parts: [number, string, number, string] =
    seconds < 3600 ? [60, "m", 1, "s"] : seconds < 86_400 ? [3600, "h", 60, "m"] : [86_400, "d", 3600, "h"];
  const [large, largeName, small, smallName] = parts;
  const rest = Math.floor((seconds % large) / small);
  return `${Math.floor(seconds / large)} ${largeName}${rest ? ` ${rest} ${smallName}` : ""}`;
}

/** How long ago, in one unit: now, 12 s, 5 m, 3 h, 2 d. */
export function ago(at: number, now: number): string {
  const seconds = Math.max(0, Math.floor((now - at) / 1000));
  if (seconds < 5) return "now";
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}
