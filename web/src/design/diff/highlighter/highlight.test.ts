import { expect, test } from "vitest";
import { highlight } from "./highlight";

test("a text is coloured as a whole, so that a string goes on over lines", async () => {
  const [text] = await highlight("python", ['def f():\n    """One\n    two"""\n    return 1']);
  const kinds = text?.map((line) => new Set(line.map((token) => token.kind)));
  expect(kinds?.[0]).toContain("keyword");
  expect(kinds?.[2]).not.toContain("keyword");
  expect(kinds?.[3]).toContain("constant");
});

test("the tokens of a line are as long as the line", async () => {
  const code = "const a: string = `x ${1} y`; // the end\n\nexport {};";
  const [text] = await highlight("typescript", [code]);
  expect(text?.map((line) => line.reduce((sum, token) => sum + token.length, 0))).toEqual(
    code.split("\n").map((line) => line.length),
  );
});
