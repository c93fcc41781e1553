import { expect, test } from "vitest";
import { PAGES } from "../../build/pages.ts";
import { codeOf, pageCode } from "./pageCode";

test("each page has a file of its own that names its code", () => {
  const words = Object.keys(PAGES).map((name) => (name === "index" ? "" : name));
  expect(words.sort()).toEqual(Object.keys(pageCode).sort());
});

test("a word that every object knows is no page", () => {
  for (const word of ["constructor", "toString", "__proto__", "nonsense"]) expect(codeOf(word)).toBeNull();
});
