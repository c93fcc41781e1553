import { expect, test } from "vitest";
import { changedWords } from "./changedWords";
import { languageOf } from "./languages";
import { pieces } from "./pieces";

test("a line is cut where tokens and marks begin and end, and nothing of it is lost", () => {
  const found = pieces(
    "let x = 10;",
    [
      { length: 3, kind: "keyword" },
      { length: 5, kind: null },
      { length: 2, kind: "constant" },
    ],
    [
      [4, 5],
      [9, 11],
    ],
  );
  expect(found.map(({ text, kind, marked }) => [text, kind, marked])).toEqual([
    ["let", "keyword", false],
    [" ", null, false],
    ["x", null, true],
    [" = ", null, false],
    ["1", "constant", false],
    ["0", "constant", true],
    [";", null, true],
  ]);
});

test("a plain line is one piece, and an empty one none", () => {
  expect(pieces("plain", [], [])).toEqual([{ text: "plain", kind: null, marked: false }]);
  expect(pieces("", [], [])).toEqual([]);
});

test("words that differ are marked on either side", () => {
  const before = "timeout = 10  # seconds to wait";
  const after = "timeout = 30  # seconds to wait";
  expect(changedWords(before, after)).toEqual({ old: [[10, 12]], new: [[10, 12]] });
});

test("lines with little in common are changed as a whole", () => {
  expect(changedWords("import os", "def main() -> None:")).toEqual({ old: [], new: [] });
  expect(changedWords("x".repeat(600), "x".repeat(601))).toEqual({ old: [], new: [] });
});

test.each([
  ["src/app.py", "python"],
  ["web/App.TSX", "tsx"],
  ["deploy/Dockerfile", "docker"],
  ["a.tar.gz", null],
  ["LICENSE", null],
  ["src.py/notes", null],
])("the language of %s is told by its name", (path, language) => {
  expect(languageOf(path)).toBe(language);
});
