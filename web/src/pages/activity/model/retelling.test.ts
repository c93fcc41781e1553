import { expect, test } from "vitest";
import type { EventOf, SessionEvent } from "~/live/log/events";
import { Retelling } from "./retelling";

const base = (offset: number, kind: string) => ({
  cursor: `e:${offset}`,
  offset,
  at: new Date(offset * 1000).toISOString(),
  kind,
  agentKey: "key-Lead",
  agentName: "Lead",
});

const message = (offset: number): EventOf<"MessageEvent"> => ({
  ...base(offset, "message.accepted"),
  __typename: "MessageEvent",
  messageKey: `m${offset}`,
  sender: { name: "Ada", role: "HUMAN", agentKey: null },
  to: "Lead",
  messageText: "build",
  mode: "WAIT",
  thread: null,
  recipients: [{ name: "Lead", agentKey: "key-Lead", state: "QUEUED", because: null }],
});

const turn = (offset: number, started: boolean): EventOf<"TurnEvent"> => ({
  ...base(offset, started ? "turn.started" : "turn.ended"),
  __typename: "TurnEvent",
  turn: "t",
  started,
  messageKeys: [],
  outcome: started ? null : "completed",
  closingText: null,
  reason: null,
});

const words = (offset: number): EventOf<"FrameEvent"> => ({
  ...base(offset, "agent.frame"),
  __typename: "FrameEvent",
  frameType: "assistant",
  transient: true,
  contents: [{ __typename: "TextDelta", delta: `word ${offset} ` }],
});

const stretch = (...events: SessionEvent[]) => ({ events, hasEarlier: false, hasLater: false });

test("what is read ahead of it leaves every entry the object that it was", () => {
  const retelling = new Retelling();
  const later = [message(10), turn(11, true), words(12), turn(13, false)];
  const before = retelling.entries(stretch(...later));
  const after = retelling.entries(stretch(message(1), message(2), ...later));
  expect(after).toHaveLength(4);
  expect(after.slice(2).every((entry, place) => entry === before[place])).toBe(true);
  const added = retelling.entries(stretch(message(1), message(2), ...later, message(14)));
  expect(added.slice(2, 4).every((entry, place) => entry === before[place])).toBe(true);
});

test("an entry whose beginning is read ahead of it is another", () => {
  const retelling = new Retelling();
  const [torn] = retelling.entries(stretch(words(12), turn(13, false)));
  const [, whole] = retelling.entries(stretch(message(10), turn(11, true), words(12), turn(13, false)));
  expect(whole).not.toBe(torn);
  expect(whole).toMatchObject({ at: 11_000, endedAt: 13_000 });
});

test("its outline stays while an answer is written, and changes with whatever else happens", () => {
  const retelling = new Retelling();
  const events: SessionEvent[] = [message(1), turn(2, true), words(3)];
  const outlines = [words(4), words(5), turn(6, false), message(7)].map((event) => {
    events.push(event);
    retelling.entries(stretch(...events));
    return retelling.outline;
  });
  expect(outlines[1]).toBe(outlines[0]);
  expect(outlines[2]).not.toBe(outlines[1]);
  expect(outlines[3]).not.toBe(outlines[2]);
  expect(outlines[3]).toHaveLength(3);
});
