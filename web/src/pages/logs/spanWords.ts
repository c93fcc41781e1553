import type { Span } from "./model/range";

const MOMENT = new Intl.DateTimeFormat(undefined, {
  month: "short",
  day: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hour12: false,
});

/** A span of time for people: "Jan 31, 10:00:00 – 10:05:00". */
export const spanWords = ({ from, to }: Span): string => MOMENT.formatRange(from, to);
