import { expect, test } from "vitest";
import { sessionState, shownState, stateWords } from "./agentState";

const agent = { state: "WORKING", paused: false, waitingApprovals: 0, reason: null, ended: false } as const;

test("an agent that asks for permission waits for you, however it is called", () => {
  expect(shownState({ ...agent, waitingApprovals: 1 })).toBe("waiting");
  expect(shownState({ ...agent, state: "FAILED", waitingApprovals: 1 })).toBe("failed");
});

test("a failure says why", () => {
  expect(stateWords({ ...agent, state: "FAILED", reason: "CLI_MISSING" })).toBe("Failed: CLI_MISSING");
});

test("a session shows its most urgent agent, and counts the living", () => {
  const ended = { ...agent, state: "FAILED", ended: true } as const;
  expect(sessionState([agent, { ...agent, waitingApprovals: 2 }, ended])).toMatchObject({
    dot: "waiting",
    live: 2,
  });
  expect(sessionState([ended])).toEqual({ dot: "released", words: "No agents", live: 0 });
});

test("an agent that is stopped is paused once its turn is over", () => {
  expect(shownState({ ...agent, paused: true })).toBe("working");
  expect(shownState({ ...agent, state: "IDLE", paused: true })).toBe("paused");
  expect(stateWords({ ...agent, state: "IDLE", paused: true })).toBe("Paused");
});
