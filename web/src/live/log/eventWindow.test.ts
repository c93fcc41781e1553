import { expect, test } from "vitest";
import type { SessionEvent } from "./events";
import { EventWindow } from "./eventWindow";

const event = (offset: number, { epoch = "e", fragment = false } = {}): SessionEvent => ({
  __typename: "FrameEvent",
  cursor: `${epoch}:${offset}`,
  offset,
  at: "2026-01-31T10:00:00.000Z",
  kind: "agent.frame",
  agentKey: "a",
  agentName: "A",
  frameType: "text",
  transient: fragment,
  contents: [],
});

const offsets = (window: EventWindow) => window.events.map((one) => one.offset);

test("an event that was seen is not seen twice", () => {
  const window = new EventWindow(100);
  expect([1, 2, 2, 1, 3].map((offset) => window.append(event(offset)))).toEqual([
    true,
    true,
    false,
    false,
    true,
  ]);
  expect(offsets(window)).toEqual([1, 2, 3]);
  expect(window.last).toBe("e:3");
});

test("older events join at the old end, each once", () => {
  const window = new EventWindow(100);
  window.append(event(5));
  window.prepend([event(3), event(4), event(5)]);
  expect(offsets(window)).toEqual([3, 4, 5]);
});

test("another life of the log begins anew", () => {
  const window = new EventWindow(100);
  window.append(event(7));
  window.append(event(1, { epoch: "f" }));
  expect(window.events.map((one) => one.cursor)).toEqual(["f:1"]);
});

test("memory is bounded, and old fragments go before anything else", () => {
  const window = new EventWindow(1000);
  for (let offset = 1; offset <= 20_000; offset++) {
    window.append(event(offset, { fragment: offset % 10 !== 0 }));
    expect(window.events.length).toBeLessThanOrEqual(1100);
  }
  expect(window.last).toBe("e:20000");
  expect(window.dropped + window.events.length).toBe(20_000);
  const old = window.events.slice(0, 500);
  expect(old.every((one) => one.__typename === "FrameEvent" && !one.transient)).toBe(true);
});

const many = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => event(from + index));

test("older events crowd out the newest ones; then what happens is not kept, but read on demand", () => {
  const window = new EventWindow(100);
  window.prepend(many(901, 1000), "e:901");
  window.prepend(many(801, 900), "e:801");
  expect([offsets(window)[0], offsets(window).at(-1), window.isAtEnd]).toEqual([801, 900, false]);
  expect(window.append(event(1001))).toBe(true);
  expect(window.append(event(1001))).toBe(false);
  expect(offsets(window).at(-1)).toBe(900);
  expect(window.after).toBe("e:900");
  window.extend(many(901, 1000), { after: "e:1000", head: "e:1000" });
  expect(window.isAtEnd).toBe(false);
  window.extend([event(1001)], { after: "e:1001", head: "e:1001" });
  expect([window.isAtEnd, window.after]).toEqual([true, null]);
  window.append(event(1002));
  expect(offsets(window).at(-1)).toBe(1002);
  expect(new Set(offsets(window)).size).toBe(offsets(window).length);
  expect(offsets(window).length).toBeLessThanOrEqual(110);
});

test("it can be any other stretch of the log", () => {
  const window = new EventWindow(100);
  window.prepend(many(901, 1000), "e:901");
  window.move({ events: many(40, 60), before: "e:40", after: "e:60" }, "e:1000");
  expect([window.before, window.after, window.isAtEnd]).toEqual(["e:40", "e:60", false]);
  window.prepend(many(1, 39), null);
  expect(offsets(window)).toHaveLength(60);
  window.move({ events: many(990, 1000), before: "e:990", after: "e:1000" }, "e:1000");
  expect(window.isAtEnd).toBe(true);
});

test("a page without events still says where the log goes on", () => {
  const window = new EventWindow(100);
  window.prepend([event(50)], "e:50");
  window.prepend([], "e:20");
  expect(window.before).toBe("e:20");
});
