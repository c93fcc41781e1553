import { expect, test } from "vitest";
import { ago, clock, dayOrClock, duration, moment, shortClock, spanWords, whole } from "./time";

test("durations name the two units that matter", () => {
  const told = [240, 4200, 42_000, 200_000, 180_000, 7_500_000, 273_600_000].map(duration);
  expect(told).toEqual(["240 ms", "4.2 s", "42 s", "3 m 20 s", "3 m", "2 h 5 m", "3 d 4 h"]);
});

test("ages have one unit", () => {
  expect([1, 12, 300, 7200, 200_000].map((s) => ago(0, s * 1000))).toEqual([
    "now",
    "12 s",
    "5 m",
    "2 h",
    "2 d",
  ]);
});

test("moments are told in the reader's own zone", () => {
  const at = new Date(2026, 2, 4, 9, 5, 7).getTime();
  expect([clock(at), shortClock(at)]).toEqual(["09:05:07", "09:05"]);
  expect(whole(at)).toMatch(/^2026-03-04 09:05:07 [+-]\d\d:\d\d$/);
  expect(Date.parse(whole(at))).toBe(at);
});

test("a moment of another day is told by its day", () => {
  const at = new Date(2026, 2, 4, 9, 5).getTime();
  expect(dayOrClock(at, new Date(2026, 2, 4, 23).getTime())).toBe("09:05");
  expect(dayOrClock(at, new Date(2026, 2, 5, 1).getTime())).toBe("Mar 4");
  expect(moment(at, new Date(2026, 2, 4, 23).getTime())).toBe("09:05:00");
  expect(moment(at, new Date(2026, 2, 5, 1).getTime())).toBe("Mar 4 09:05:00");
});

test("a span names its day once when it has one", () => {
  const at = (date: number, hour: number) => new Date(2026, 2, date, hour).getTime();
  expect(spanWords({ from: at(4, 10), to: at(4, 11) })).toBe("Mar 4, 10:00:00 – 11:00:00");
  expect(spanWords({ from: at(4, 23), to: at(5, 1) })).toBe("Mar 4, 23:00:00 – Mar 5, 01:00:00");
});
