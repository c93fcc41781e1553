import { expect, test } from "vitest";
import { deliveryWords } from "./deliveryWords";

const delivery = (state: string, known: { because?: string; reason?: string } = {}) => ({
  agent: "a1",
  name: "Backend",
  state,
  because: null,
  reason: null,
  steps: [],
  ...known,
});

test("a message that waits says what for", () => {
  expect(deliveryWords(delivery("queued", { because: "agent_busy" }), false)).toBe(
    "queued: the agent is busy",
  );
  expect(deliveryWords(delivery("in_turn"), false)).toBe("being processed");
});

test("while the machine is away it waits for the machine, whatever held it up before", () => {
  expect(deliveryWords(delivery("queued", { because: "agent_busy" }), true)).toBe(
    "queued: the machine is offline",
  );
  expect(deliveryWords(delivery("in_turn"), true)).toBe("waits: the machine is offline");
});

test("what has become of a message does not change with its machine, and is said in words", () => {
  expect(deliveryWords(delivery("answered"), true)).toBe("answered");
  expect(deliveryWords(delivery("undeliverable", { reason: "agent_failed" }), true)).toBe(
    "not delivered: it failed",
  );
});
