import { expect, test } from "vitest";
import { ago, duration } from "./time";

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
