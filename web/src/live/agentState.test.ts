import { expect, test } from "vitest";
import { isListed, isWrong, needsPerson, sessionState, standing, type Stated } from "./agentState";

const NOW = Date.parse("2026-03-04T12:00:00Z");
const ago = (minutes: number) => new Date(NOW - minutes * 60_000).toISOString();

const agent: Stated & { ended: boolean } = {
  state: "WORKING",
  paused: false,
  waitingApprovals: 0,
  reason: null,
  since: ago(1),
  awaySince: null,
  seenAt: null,
  doing: null,
  dismissed: false,
  ended: false,
};

const CASES: [string, Partial<Stated>, string, string, number][] = [
  ["a working agent", {}, "working", "Working", 1],
  ["one that asks for permission", { waitingApprovals: 1 }, "waiting", "Waiting for you", 1],
  ["one that asks between turns", { state: "IDLE", waitingApprovals: 2 }, "waiting", "Waiting for you", 1],
  ["an idle one", { state: "IDLE" }, "idle", "Idle", 1],
  ["an idle one that is stopped", { state: "IDLE", paused: true }, "paused", "Paused", 1],
  ["one that is stopped in its turn", { paused: true }, "working", "Working", 1],
  ["one that starts", { state: "STARTING" }, "starting", "Starting", 1],
  ["one that is ended", { state: "RELEASING" }, "releasing", "Releasing", 1],
  ["one that does not react", { state: "DEAF", waitingApprovals: 1 }, "deaf", "Not responding", 1],
  ["one whose machine is away", { awaySince: ago(0.1) }, "lost", "Machine offline", 0.1],
  [
    "one that asks from a machine that is away",
    { awaySince: ago(2), waitingApprovals: 1 },
    "lost",
    "Machine offline",
    2,
  ],
  ["an idle one whose machine is away", { state: "IDLE", awaySince: ago(2) }, "lost", "Machine offline", 2],
  [
    "one that does not react on a machine that is away",
    { state: "DEAF", awaySince: ago(2) },
    "lost",
    "Machine offline",
    2,
  ],
  ["one that is lost", { state: "LOST", since: ago(3), awaySince: ago(4) }, "lost", "Machine offline", 4],
  ["one that is lost, of a machine that is back", { state: "LOST" }, "lost", "Machine offline", 1],
  ["a long turn with signs of life", { since: ago(90), seenAt: ago(9) }, "working", "Working", 90],
  ["a turn without one", { since: ago(90), seenAt: ago(11) }, "hung", "No output", 11],
  ["a turn whose agent was never seen", { since: ago(11) }, "hung", "No output", 11],
  ["signs of life from before the turn", { since: ago(9), seenAt: ago(100) }, "working", "Working", 9],
  [
    "a tool that runs for long",
    { since: ago(90), seenAt: ago(59), doing: "Bash: make" },
    "working",
    "Working",
    90,
  ],
  [
    "a tool that runs for too long",
    { since: ago(90), seenAt: ago(61), doing: "Bash: make" },
    "hung",
    "No output",
    61,
  ],
  ["one that waits for long", { since: ago(90), waitingApprovals: 1 }, "waiting", "Waiting for you", 90],
  ["a failed one", { state: "FAILED", waitingApprovals: 1 }, "failed", "Failed", 1],
  [
    "a failed one, with why",
    { state: "FAILED", reason: "CLI_MISSING" },
    "failed",
    "Failed: its program is not installed",
    1,
  ],
  ["one that was released", { state: "RELEASED" }, "released", "Released", 1],
];

test.each(CASES)("%s", (_, known, shown, words, minutes) => {
  expect(standing({ ...agent, ...known }, NOW)).toEqual({ shown, words, since: NOW - minutes * 60_000 });
});

test("what is wrong and what waits need a person, and nothing else does", () => {
  const all = CASES.map(([, known]) => standing({ ...agent, ...known }, NOW).shown);
  expect(new Set(all.filter(isWrong))).toEqual(new Set(["failed", "deaf", "lost", "hung"]));
  expect(new Set(all.filter((shown) => needsPerson(shown) && !isWrong(shown)))).toEqual(new Set(["waiting"]));
});

test("a failed agent is listed until it is dismissed, a released one is not", () => {
  expect(isListed({ state: "FAILED", dismissed: false })).toBe(true);
  expect(isListed({ state: "FAILED", dismissed: true })).toBe(false);
  expect(isListed({ state: "RELEASED", dismissed: false })).toBe(false);
  expect(isListed({ state: "LOST", dismissed: false })).toBe(true);
});

test("a session shows its most urgent agent, and counts the living", () => {
  const failed = { ...agent, state: "FAILED", ended: true } as const;
  const waiting = { ...agent, waitingApprovals: 2 };
  expect(sessionState([agent, waiting], NOW)).toMatchObject({ dot: "waiting", live: 2 });
  expect(sessionState([agent, waiting, failed], NOW)).toMatchObject({ dot: "failed", live: 2 });
  expect(sessionState([{ ...failed, dismissed: true }], NOW)).toEqual({
    dot: "released",
    words: "No agents",
    live: 0,
  });
});
