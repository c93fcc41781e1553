import { expect, test } from "vitest";
import { aheadOf, allowsEverything, drafted, keysOf, NO_DRAFT, type Draft, type Rule } from "./rule";

const NOBODY = { risk: null, role: null, group: null, people: 1 } as const;
const rule = (command: string): Rule => ({
  effect: "ALLOW",
  tool: "Bash",
  command,
  path: null,
  ...NOBODY,
});
const A = rule("a");
const B = rule("b");
const C = rule("c");

test("what is left empty in the form is any", () => {
  expect(drafted({ ...NO_DRAFT, effect: "DENY", tool: " ", command: " rm * " })).toEqual({
    effect: "DENY",
    tool: "*",
    command: "rm *",
    path: null,
    ...NOBODY,
  });
});

test("an allow rule without a pattern allows everything; one pattern or another effect does not", () => {
  const allow: Draft = { ...NO_DRAFT, effect: "ALLOW" };
  expect(allowsEverything(drafted(allow))).toBe(true);
  expect(allowsEverything(drafted({ ...allow, tool: "" }))).toBe(true);
  expect(allowsEverything(drafted({ ...allow, path: "src/*" }))).toBe(false);
  expect(allowsEverything(drafted({ ...allow, tool: "read" }))).toBe(false);
  expect(allowsEverything(drafted(NO_DRAFT))).toBe(false);
});

test("a step up is ahead of the one before, a step down ahead of the one after the next", () => {
  const rules = [A, B, C];
  expect(aheadOf(rules, 1, -1)).toBe(A);
  expect(aheadOf(rules, 0, 1)).toBe(C);
  expect(aheadOf(rules, 1, 1)).toBeNull();
});

test("the first goes no further up, the last no further down", () => {
  expect(aheadOf([A, B], 0, -1)).toBeUndefined();
  expect(aheadOf([A, B], 1, 1)).toBeUndefined();
});

test("each rule of a list has a key of its own, which stays when others move", () => {
  const [a, b, again] = keysOf([A, B, { ...A }]);
  expect(new Set([a, b, again]).size).toBe(3);
  expect(keysOf([B, A])).toEqual([b, a]);
});
