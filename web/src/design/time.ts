// Written by hand: the first use of `Intl` reads its tables from disk, 60 ms before which nothing is drawn.
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"] as const;

const two = (number: number): string => String(number).padStart(2, "0");

/** 14:03 */
export function shortClock(at: number): string {
  const date = new Date(at);
  return `${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** 14:03:07 */
export const clock = (at: number): string => `${shortClock(at)}:${two(new Date(at).getSeconds())}`;

/** Mar 4; months count from 0, as a `Date` counts them. */
export const monthAndDay = (month: number, date: number): string => `${MONTHS[month]} ${date}`;

/** The day, the second and the zone: 2026-03-04 14:03:07 +01:00. */
export function whole(at: number): string {
  const date = new Date(at);
  const ahead = -date.getTimezoneOffset();
  const zone = `${ahead < 0 ? "-" : "+"}${two(Math.floor(Math.abs(ahead) / 60))}:${two(Math.abs(ahead) % 60)}`;
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${clock(at)} ${zone}`;
}

/** 14:03 today, "Mar 4" on another day. */
export const dayOrClock = (at: number, now = Date.now()): string =>
  onOneDay(at, now) ? shortClock(at) : day(at);

/** 14:03:07 today, "Mar 4 14:03:07" on another day. */
export const moment = (at: number, now = Date.now()): string =>
  onOneDay(at, now) ? clock(at) : `${day(at)} ${clock(at)}`;

/** From when to when: Mar 4, 10:00:00 – 10:05:00. */
export function spanWords({ from, to }: { from: number; to: number }): string {
  return `${day(from)}, ${clock(from)} – ${onOneDay(from, to) ? "" : `${day(to)}, `}${clock(to)}`;
}

function day(at: number): string {
  const date = new Date(at);
  return monthAndDay(date.getMonth(), date.getDate());
}

const onOneDay = (one: number, other: number): boolean =>
  new Date(one).toDateString() === new Date(other).toDateString();

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
