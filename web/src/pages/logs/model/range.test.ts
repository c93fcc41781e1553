import { expect, test } from "vitest";
import { barAt, filled, spanOfBars, sum } from "./buckets";
import { between, isRange, spanOf, within } from "./range";

const NOW = Date.parse("2026-01-31T10:00:00Z");

test("an age counts from now, two instants stand for themselves", () => {
  expect(spanOf("2h", NOW)).toEqual({ from: NOW - 7_200_000, to: NOW });
  expect(spanOf(between(NOW, NOW + 5), 0)).toEqual({ from: NOW, to: NOW + 5 });
});

test.each(["", "soon", "2y", "..", "2026-01-02..2026-01-01", "2026-01-01"])("%j is no range", (text) => {
  expect(isRange(text)).toBe(false);
});

test("a range stands behind the search, unless the search names times itself", () => {
  expect(within("exit", "1h", NOW)).toBe("exit since:2026-01-31T09:00:00.000Z");
  expect(within("", between(NOW, NOW + 5), NOW)).toBe(
    "since:2026-01-31T10:00:00.000Z until:2026-01-31T10:00:00.005Z",
  );
  expect(within("exit since:5m", "1h", NOW)).toBe("exit since:5m");
  expect(within("exit", undefined, NOW)).toBe("exit");
});

const bucket = (minute: number, count: number, failed = 0) => ({
  at: new Date(NOW + minute * 60_000).toISOString(),
  spanMs: 60_000,
  count,
  failed,
});

test("spans without lines are bars too, over the whole range", () => {
  const bars = filled([bucket(2, 5), bucket(4, 1, 1)], { from: NOW, to: NOW + 360_000 });
  expect(bars.map((bar) => bar.count)).toEqual([0, 0, 5, 0, 1, 0]);
  expect(bars[0]?.from).toBe(NOW);
  expect(sum(bars)).toEqual({ count: 6, failed: 1 });
});

test("nothing that was counted makes no bars, and a range much longer than the spans not too many", () => {
  expect(filled([], { from: 0, to: NOW })).toEqual([]);
  expect(filled([bucket(0, 1)], { from: NOW, to: NOW * 2 }).length).toBeLessThanOrEqual(240);
});

test("bars are pointed at from either side", () => {
  const bars = filled([bucket(0, 1), bucket(3, 1)], null);
  expect(barAt(bars, 0.3)).toBe(1);
  expect(barAt(bars, 7)).toBe(3);
  expect(spanOfBars(bars, 2, 1)).toEqual({ from: NOW + 60_000, to: NOW + 180_000 });
});
