import { expect, test } from "vitest";
import { announcement, doneKeys } from "./announcement";
import type { MessageEntry, TurnEntry } from "./entries";

const turn = (key: string, text: string, endedAt: number | null): TurnEntry => ({
  type: "turn",
  key,
  cursor: "e:1",
  at: 0,
  agent: "a",
  name: "Lead",
  turn: key,
  torn: false,
  cutAt: null,
  messageKeys: [],
  parts: [{ type: "text", text, streaming: endedAt === null }],
  endedAt,
  outcome: endedAt === null ? null : "completed",
  reason: null,
});

const message = (key: string): MessageEntry => ({
  type: "message",
  key,
  cursor: "e:2",
  at: 0,
  from: { name: "Ada", role: "HUMAN", agentKey: null },
  to: "Lead",
  text: "go on",
  mode: "WAIT",
  thread: null,
  deliveries: [],
});

test("an answer is said once it has ended, not while it streams", () => {
  const said = doneKeys([]);
  expect(announcement([turn("t", "Half", null)], said)).toBeNull();
  expect(announcement([turn("t", "Half a word.", 5)], said)).toBe("Lead: Half a word.");
});

test("what was said is not said again, and many are said as their number", () => {
  const before = [message("m1"), turn("t1", "Done.", 5)];
  const said = doneKeys(before);
  expect(announcement(before, said)).toBeNull();
  expect(announcement([...before, message("m2")], said)).toBe("Ada to Lead: go on");
  expect(announcement([...before, message("m2"), message("m3")], said)).toBe("2 new entries");
});

test("a long text is cut", () => {
  const words = announcement([turn("t", "x".repeat(100_000), 5)], new Set());
  expect(words?.length).toBeLessThan(200);
});
