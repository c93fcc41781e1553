// @vitest-environment jsdom
import { expect, test } from "vitest";
import { diffOf, firstHunks, patchOf, textsOf, unified } from "./diffRows";

const DIFF = "@@ -9,3 +9,4 @@ def f():\n a\n-b\n+B\n+C\n d\n";

test("a diff without a head is rows side by side", () => {
  const diff = diffOf("a.py", "update", DIFF);
  expect(diff).toMatchObject({ added: 2, removed: 1 });
  expect(diff?.rows).toEqual([
    { type: "gap", old: { line: 9, text: "def f():" }, new: { line: 9, text: "def f():" } },
    { type: "same", old: { line: 9, text: "a" }, new: { line: 9, text: "a" } },
    { type: "changed", old: { line: 10, text: "b" }, new: { line: 10, text: "B" } },
    { type: "changed", old: null, new: { line: 11, text: "C" } },
    { type: "same", old: { line: 11, text: "d" }, new: { line: 12, text: "d" } },
  ]);
});

test("one under another, what goes stands ahead of what comes", () => {
  const rows = unified(diffOf("a.py", "update", DIFF)?.rows ?? []);
  expect(rows.map((row) => [row.type, row.side.text])).toEqual([
    ["gap", "def f():"],
    ["same", "a"],
    ["removed", "b"],
    ["added", "B"],
    ["added", "C"],
    ["same", "d"],
  ]);
});

test("a new file that is given as its text is all new lines", () => {
  expect(diffOf("a.py", "add", "one\ntwo\n")).toMatchObject({ added: 2, removed: 0 });
  expect(diffOf("a.py", "delete", "one\n")).toMatchObject({ added: 0, removed: 1 });
});

test("a whole diff stays as it is", () => {
  const whole = `--- a.py\n+++ a.py\n${DIFF}`;
  expect(patchOf("b.py", "update", whole)).toBe(whole);
});

test("what rows would not show all of is no diff", () => {
  const hidden = `--- a.py\n+++ a.py\n${DIFF}--- b.py\n+++ b.py\n@@ -1 +1 @@\n-x\n+y\n`;
  expect(diffOf("a.py", "update", hidden)).toBeNull();
  expect(diffOf("a.py", "update", `rename to b.py\n${DIFF}`)).toBeNull();
  expect(diffOf("a.py", "update", "@@ -1 +1 @@\n-x\n+y\n+one more\n")).toBeNull();
  expect(diffOf("a.py", "update", "@@ -1,3 +1,3 @@\n a\n\n-b\n+c\n")).toBeNull();
});

test("a line that looks like a head is one of the text", () => {
  const sql = "@@ -1,2 +1,1 @@\n--- a comment\n select 1;\n";
  expect(diffOf("a.sql", "update", sql)?.rows[0]).toEqual({
    type: "changed",
    old: { line: 1, text: "-- a comment" },
    new: null,
  });
});

test("a missing newline at the end takes nothing from a diff", () => {
  const diff = diffOf("a.py", "update", "@@ -1 +1 @@\n-x\n\\ No newline at end of file\n+y\n");
  expect(diff).toMatchObject({ added: 1, removed: 1 });
});

test("each hunk is two texts, one for each side", () => {
  const rows = diffOf("a.py", "update", `${DIFF}@@ -20 +21 @@\n-x\n+y\n`)?.rows ?? [];
  expect(textsOf(rows).map((text) => text.map((side) => side.text).join(" "))).toEqual([
    "a b d",
    "a B C d",
    "x",
    "y",
  ]);
  expect(textsOf(diffOf("a.py", "add", "one\ntwo\n")?.rows ?? [])).toHaveLength(1);
});

test("what a broker left out is told, and is no line of the file", () => {
  const diff = diffOf("a.py", "update", `${DIFF}\\ cut: 3 hunks are not shown whole\n`);
  expect(diff).toMatchObject({ added: 2, removed: 1, cut: "cut: 3 hunks are not shown whole" });
  expect(diff?.rows).toHaveLength(5);
  expect(diffOf("a.py", "update", DIFF)?.cut).toBeNull();
  // The head of a hunk is shorter than it says: it is shown as it was given.
  expect(diffOf("a.py", "update", "@@ -1,9 +1,9 @@\n-a\n+b\n\\ cut: 1 hunk\n")).toBeNull();
});

const hunk = (line: number, size: number) =>
  `@@ -${line},${size} +${line},${size} @@\n${"-a\n".repeat(size)}${"+b\n".repeat(size)}`;

test("a long diff is cut ahead of a hunk, and a long hunk where it has to be", () => {
  const rows = diffOf("a.py", "update", hunk(1, 300) + hunk(400, 300) + hunk(800, 300))?.rows ?? [];
  expect(rows).toHaveLength(902);
  expect(firstHunks(rows, 400)).toHaveLength(300);
  expect(firstHunks(rows, 700)).toHaveLength(601);
  expect(firstHunks(rows, 2000)).toHaveLength(902);
  expect(firstHunks(diffOf("a.py", "update", hunk(1, 900))?.rows ?? [], 400)).toHaveLength(400);
});

test("hunks that follow on each other have no gap between them", () => {
  const rows = diffOf("a.py", "update", hunk(1, 2) + hunk(3, 2))?.rows ?? [];
  expect(rows.map(({ type }) => type)).toEqual(["changed", "changed", "changed", "changed"]);
});

test("a diff of ten thousand lines is read whole", () => {
  const diff = diffOf("a.py", "add", "a line of usual length\n".repeat(10_000));
  expect(diff).toMatchObject({ added: 10_000, removed: 0 });
});
