import { expect, test } from "vitest";
import { around, boundsOf, held, THE_END, withEarlier, withLater, type Drawn } from "./drawn";
import type { NoticeEntry } from "./entries";
import { rowsOf, type Row } from "./rows";

const entry = (number: number): NoticeEntry => ({
  type: "notice",
  key: `n${number}`,
  cursor: `e:${number}`,
  at: number,
  name: null,
  words: "",
  tone: "quiet",
  asked: null,
});
const entries = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => entry(from + index));

/** The first and the last that are drawn. */
const drawnOf = (drawn: Drawn, all: readonly Row[]) => {
  const [from, to] = boundsOf(drawn, all);
  return [all[from]?.key, all[to - 1]?.key];
};

test("the end is drawn, and stays it while entries come", () => {
  expect(drawnOf(THE_END, entries(0, 300))).toEqual(["n250", "n299"]);
  expect(drawnOf(THE_END, entries(0, 301))).toEqual(["n251", "n300"]);
  expect(drawnOf(THE_END, entries(0, 3))).toEqual(["n0", "n2"]);
});

test("more of the end is still the end while entries come", () => {
  const drawn = withEarlier(THE_END, entries(0, 300), 0);
  expect(drawnOf(drawn, entries(0, 300))).toEqual(["n240", "n299"]);
  expect(drawnOf(drawn, entries(0, 310))).toEqual(["n250", "n309"]);
});

test("what is held stays, whatever comes on both sides of it", () => {
  const drawn = held(THE_END, entries(100, 300));
  expect(drawnOf(drawn, entries(100, 400))).toEqual(["n250", "n299"]);
  expect(drawnOf(drawn, entries(0, 400))).toEqual(["n250", "n299"]);
});

test("what was held under another key is found by its place", () => {
  const drawn = { first: { key: "torn", cursor: "e:249" }, count: 50 };
  expect(drawnOf(drawn, entries(0, 300))).toEqual(["n249", "n298"]);
});

test("however far one reads, the number of entries that are drawn is bounded, and none is left out", () => {
  const all = entries(0, 3000);
  let drawn = held(THE_END, all);
  const most = { drawn: 0 };
  const seen = new Set<number>();
  const look = () => {
    const [from, to] = boundsOf(drawn, all);
    most.drawn = Math.max(most.drawn, to - from);
    for (let place = from; place < to; place++) seen.add(place);
  };
  look();
  while (boundsOf(drawn, all)[0] > 0) {
    drawn = withEarlier(drawn, all, 0);
    look();
  }
  expect(seen.size).toBe(3000);
  seen.clear();
  look();
  while (boundsOf(drawn, all)[1] < 3000) {
    drawn = withLater(drawn, all, 0);
    look();
  }
  expect(seen.size).toBe(3000);
  expect(most.drawn).toBeLessThanOrEqual(200);
});

test("what is far from what is read is drawn no longer", () => {
  const all = entries(0, 3000);
  const drawn = held(THE_END, all);
  expect(drawnOf(withEarlier(drawn, all, 30), all)).toEqual(["n2940", "n2969"]);
  expect(drawnOf(withLater({ first: entry(100), count: 50 }, all, 30), all)).toEqual(["n130", "n159"]);
});

test("where no more can be drawn at the end, nothing changes", () => {
  const all = entries(0, 3000);
  let drawn = THE_END;
  for (let times = 0; times < 30; times++) drawn = withEarlier(drawn, all, 0);
  expect(withEarlier(drawn, all, 0)).toBe(drawn);
});

test("a group that begins elsewhere once more was read is where it was", () => {
  const rows = (from: number) => rowsOf(entries(from, 500));
  const drawn = { first: rows(50)[0] ?? null, count: 2 };
  expect(drawnOf(drawn, rows(50))).toEqual(["from n50", "from n200"]);
  expect(drawnOf(drawn, rows(10))).toEqual(["from n10", "from n200"]);
});

test("around an entry there is something on both sides", () => {
  const all = entries(0, 300);
  const [from, to] = boundsOf(around(entry(100), all), all);
  expect(from).toBeLessThan(90);
  expect(to).toBeGreaterThan(110);
  expect(boundsOf(around(entry(0), all), all)[0]).toBe(0);
});
