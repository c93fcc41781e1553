// @vitest-environment jsdom
import { expect, test } from "vitest";
import type { ChangeEntry } from "../../documents";
import { diffOf, patchOf, unified } from "./diffRows";
import { fileTree } from "./fileTree";
import { byFile, byTurn } from "./groups";

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
  expect(rows.map((row) => [row.type, row.text])).toEqual([
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

const entry = (cursor: string, turn: string | null, ...paths: string[]): ChangeEntry => ({
  cursor,
  at: `2026-01-31T10:00:0${cursor}.000Z`,
  agent: "Lead",
  turn,
  changes: paths.map((path) => ({ path, change: "update", diff: null })),
});

const ENTRIES = [entry("4", null, "z"), entry("3", "t2", "a"), entry("2", "t1", "b"), entry("1", "t1", "a")];

test("edits of one turn stand together, the newest turn first", () => {
  const groups = byTurn(ENTRIES);
  expect(groups.map((group) => group.key)).toEqual(["4", "t2", "t1"]);
  expect(groups[2]?.edits.map((edit) => edit.path)).toEqual(["a", "b"]);
});

test("edits of one file stand together, in the order they were made", () => {
  expect(byFile(ENTRIES).map((group) => [group.key, group.edits.map((edit) => edit.cursor)])).toEqual([
    ["a", ["1", "3"]],
    ["b", ["2"]],
    ["z", ["4"]],
  ]);
});

test("folders come first, and those with nothing but a folder are one with it", () => {
  expect(fileTree(["src/a/deep/x.ts", "src/a/deep/y.ts", "README.md"])).toEqual([
    {
      name: "src/a/deep",
      path: "src/a/deep/",
      children: [
        { name: "x.ts", path: "src/a/deep/x.ts", children: null },
        { name: "y.ts", path: "src/a/deep/y.ts", children: null },
      ],
    },
    { name: "README.md", path: "README.md", children: null },
  ]);
});
