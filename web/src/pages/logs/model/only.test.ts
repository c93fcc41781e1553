import { expect, test } from "vitest";
import { matching } from "./only";

const line = { agent: "Backend", kind: "tool", text: "pytest failed with exit 1" };
const shows = (asked: string) => matching(asked)(line);

test("nothing that is asked for leaves nothing out", () => {
  expect(shows("")).toBe(true);
  expect(shows("  ")).toBe(true);
});

test("every word must be there, in any part of a line and any case", () => {
  expect(shows("PYTEST exit")).toBe(true);
  expect(shows("back tool")).toBe(true);
  expect(shows("pytest passed")).toBe(false);
});

test("words in quotes stand side by side", () => {
  expect(shows('"exit 1"')).toBe(true);
  expect(shows('"exit with"')).toBe(false);
});

test("an agent and a kind are named whole", () => {
  expect(shows("agent:backend kind:tool")).toBe(true);
  expect(shows("agent:back")).toBe(false);
  expect(shows("kind:text")).toBe(false);
});

test("what has a minus in front is left out", () => {
  expect(shows("-failed")).toBe(false);
  expect(shows('-kind:text -"exit 2"')).toBe(true);
  expect(shows("-")).toBe(false);
});
