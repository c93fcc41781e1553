import { expect, test } from "vitest";
import type { Entry, NoticeEntry, TurnEntry } from "./entries";
import { lanesOf } from "./lanes";

const turn = (name: string, at: number, endedAt: number | null): TurnEntry => ({
  type: "turn",
  key: `${name} ${at}`,
  cursor: `e:${at}`,
  at,
  agent: name,
  name,
  turn: `t${at}`,
  torn: false,
  cutAt: null,
  messageKeys: [],
  parts: [],
  endedAt,
  outcome: endedAt === null ? null : "completed",
  reason: null,
});

const notice = (name: string, at: number, approval: string, waits: boolean): NoticeEntry => ({
  type: "notice",
  key: `event ${at}`,
  cursor: `e:${at}`,
  at,
  name,
  words: "",
  tone: "warn",
  asked: { approval, waits },
});

const waitsOf = (...entries: Entry[]) =>
  lanesOf(entries, ["Ann"]).lanes[0]?.waits.map(({ from, to }) => [from, to]);

test("a wait lasts from the question to its answer, whatever else is asked meanwhile", () => {
  const asked = [notice("Ann", 2, "a", true), notice("Ann", 3, "b", true), notice("Bob", 3, "x", true)];
  const answered = [notice("Ann", 5, "b", false), notice("Ann", 9, "a", false)];
  expect(waitsOf(turn("Ann", 1, null), ...asked, ...answered)).toEqual([
    [2, 9],
    [3, 5],
  ]);
});

test("a wait that nobody answered ends with its turn, and goes on in one that runs", () => {
  expect(waitsOf(turn("Ann", 1, 7), notice("Ann", 2, "a", true))).toEqual([[2, 7]]);
  expect(waitsOf(turn("Ann", 1, null), notice("Ann", 2, "a", true))).toEqual([[2, null]]);
});

test("only those that are asked for have a lane, and no arrow leads to another", () => {
  const { lanes } = lanesOf([turn("Gone", 1, 2), turn("Ann", 3, 4)], ["Ann"]);
  expect(lanes.map(({ name, bars }) => [name, bars.length])).toEqual([["Ann", 1]]);
});
