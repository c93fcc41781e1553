import { expect, test } from "vitest";
import { csv } from "./csv";

test("cells are quoted where they must be", () => {
  expect(csv([["agent", 'says "hi", twice', 3, null]])).toBe('agent,"says ""hi"", twice",3,\r\n');
});

test("what an agent is called is no formula", () => {
  expect(csv([["=HYPERLINK(1)"], ["-1+1"], [-1]])).toBe("'=HYPERLINK(1)\r\n'-1+1\r\n-1\r\n");
});
