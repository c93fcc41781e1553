import { expect, test } from "vitest";
import type { Entry, MessageEntry, NoticeEntry, TurnEntry } from "./entries";
import { questionsOf, Rows, rowsOf } from "./rows";

const notice = (key: string, tone: NoticeEntry["tone"] = "quiet", offset = 1) =>
  ({ type: "notice", key, cursor: `e:${offset}`, tone, words: "no longer asks" }) as NoticeEntry;
const message = (key: string) => ({ type: "message", key }) as MessageEntry;
const turn = (key: string, ...messageKeys: string[]) =>
  ({ type: "turn", key, messageKeys }) as unknown as TurnEntry;
const keys = (entries: readonly Entry[]) => rowsOf(entries).map((row) => row.key);

test("many notices in a row are one line, and few are not", () => {
  const four = ["a", "b", "c", "d"].map((key) => notice(key));
  expect(keys([...four, message("m"), ...four.slice(1)])).toEqual(["from a", "m", "b", "c", "d"]);
});

test("what failed, or warns, stands by itself among them", () => {
  const entries = ["a", "b", "c", "d"].map((key) => notice(key));
  const told = [...entries, notice("stopped", "warn"), notice("failed", "bad"), notice("e")];
  expect(keys(told)).toEqual(["from a", "stopped", "failed", "e"]);
});

test("a group keeps its name while it grows", () => {
  const many = Array.from({ length: 50 }, (_, number) => notice(`${number}`));
  expect(keys(many.slice(0, 20))).toEqual(keys(many));
});

test("a group keeps its name when older notices are read ahead of it, and when the newest are left out", () => {
  const many = Array.from({ length: 50 }, (_, number) => notice(`${number}`));
  const rows = new Rows();
  const names = [many.slice(30), many.slice(10), many, many.slice(0, 40)].map((each) => rows.of(each));
  expect(names.map((each) => each.map(({ key }) => key))).toEqual(Array(4).fill(["from 30"]));
});

test("of one group that becomes two, each has a name of its own", () => {
  const many = Array.from({ length: 12 }, (_, number) => notice(`${number}`));
  const rows = new Rows();
  rows.of(many.slice(6));
  rows.of(many);
  const parted = rows.of([...many.slice(0, 6), message("m"), ...many.slice(6)]).map(({ key }) => key);
  expect(parted).toEqual(["from 6", "m", "from 7"]);
});

test("however many there are, a group has its end, in the same place whatever is read ahead of it", () => {
  const many = Array.from({ length: 1000 }, (_, number) => notice(`${number}`, "quiet", number));
  const groups = rowsOf(many.slice(100));
  expect(groups.map((row) => (row.type === "group" ? row.notices.length : 1))).toEqual([
    100, 200, 200, 200, 200,
  ]);
  expect(rowsOf(many).slice(1)).toEqual(groups.slice(1));
});

test("a turn names the message it answers, unless nothing else was said in between", () => {
  const [one, two] = [message("one"), message("two")];
  const entries = [one, two, turn("t1", "one"), turn("t2", "two"), two, notice("n"), turn("t3", "two")];
  const found = questionsOf(entries);
  expect([...found]).toEqual([
    ["t1", one],
    ["t2", two],
  ]);
  expect(questionsOf([turn("t", "unread")]).size).toBe(0);
});
