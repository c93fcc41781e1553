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
