import { expect, test } from "vitest";
import { reasonWords, whyWords } from "./reasons";

test("a code is said in words, and one of another version as it came", () => {
  expect(reasonWords("CLI_MISSING")).toBe("its program is not installed");
  expect(reasonWords("eaten by a grue")).toBe("eaten by a grue");
});

test("what else is known follows", () => {
  expect(whyWords("spawn_failed", "no such file")).toBe("its program could not be started: no such file");
  expect(whyWords(null, "no such file")).toBe("no such file");
  expect(whyWords(null, null)).toBe("");
});
