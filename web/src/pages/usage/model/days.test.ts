import { expect, test } from "vitest";
import { everyDay, heaviest, lastDays, spent, stacked, total } from "./days";

const row = (more: object) => ({
  day: null,
  messages: 0,
  turns: 0,
  inputTokens: 0,
  outputTokens: 0,
  cachedTokens: 0,
  costUsd: 0,
  estimatedUsd: 0,
  ...more,
});

test("days are counted in UTC, today included", () => {
  expect(lastDays(7, Date.parse("2026-03-02T23:30:00Z"))).toEqual({
    since: "2026-02-24",
    until: "2026-03-02",
  });
});

test("days without counters are there with nothing on them", () => {
  const days = everyDay("2026-02-27", "2026-03-01", [row({ day: "2026-02-28", messages: 3 })]);
  expect(days.map(({ day, messages }) => [day, messages])).toEqual([
    ["2026-02-27", 0],
    ["2026-02-28", 3],
    ["2026-03-01", 0],
  ]);
});

test("counters add up", () => {
  const all = total([row({ inputTokens: 2, costUsd: 0.5 }), row({ outputTokens: 3, costUsd: 0.25 })]);
  expect(spent(all)).toBe(5);
  expect(all.costUsd).toBe(0.75);
});

test("parts of bars stand one on another", () => {
  expect(
    stacked([
      [1, 2],
      [3, 0],
      [1, 1],
    ]),
  ).toEqual([
    [1, 2],
    [4, 2],
    [5, 3],
  ]);
});

test("who used most comes first", () => {
  const rows = [row({ messages: 1 }), row({ messages: 9 }), row({ outputTokens: 5 })];
  expect(heaviest(rows).map((one) => one.messages)).toEqual([0, 9, 1]);
});
