import { expect, test } from "vitest";
import { isError, placeOf } from "./problems";

test("a line and a column are a place in the text, also beyond its end", () => {
  const text = "hooks:\n  codex:\n";
  expect(placeOf(text, { line: 1, column: 1 })).toBe(0);
  expect(placeOf(text, { line: 2, column: 3 })).toBe(9);
  expect(placeOf(text, { line: 1, column: 99 })).toBe(6);
  expect(placeOf(text, { line: 99, column: 1 })).toBe(text.length);
});

test("a problem is an error unless it says that it warns", () => {
  expect(isError({ line: 1, column: 1, message: "x" })).toBe(true);
  expect(isError({ line: 1, column: 1, message: "x", severity: "warning" })).toBe(false);
});
