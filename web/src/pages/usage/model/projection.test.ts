import { expect, test } from "vitest";
import { monthOf, projected } from "./projection";

test("a figure goes on as it went", () => {
  expect(projected(30, 0, 10, 30)).toBe(90);
  expect(projected(30, 0, 30, 30)).toBe(30);
});

test("of the first hours nothing is concluded", () => {
  expect(projected(5, 0, 1, 30)).toBeNull();
  expect(projected(5, 0, 31, 30)).toBeNull();
});

test("months are those of UTC", () => {
  expect(monthOf(Date.parse("2026-12-31T23:30:00Z"))).toEqual({
    since: Date.parse("2026-12-01T00:00:00Z"),
    until: Date.parse("2027-01-01T00:00:00Z"),
  });
});
