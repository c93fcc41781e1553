import { expect, test } from "vitest";
import { delayBefore } from "./backoff";

test("waits double up to a bound, and never come close to nothing", () => {
  const least = Array.from({ length: 12 }, (_, attempt) => delayBefore(attempt, () => 0));
  const most = Array.from({ length: 12 }, (_, attempt) => delayBefore(attempt, () => 1));
  expect(least.slice(0, 4)).toEqual([250, 500, 1000, 2000]);
  expect(most.slice(0, 4)).toEqual([500, 1000, 2000, 4000]);
  expect(Math.max(...most)).toBe(8_000);
});
