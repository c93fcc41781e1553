import { expect, test } from "vitest";
import type { ChangeEntry } from "../../documents";
import { fileTree } from "./fileTree";
import { byFile, byTurn } from "./groups";

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
