import { expect, test } from "vitest";
import type { TriedRequest } from "./documents";
import { countsOf, type Outcome } from "./trial";

const tried = (outcome: Outcome): TriedRequest => ({
  outcome,
  approval: {
    key: outcome,
    agent: "Backend",
    title: "Run",
    command: "ls",
    askedAt: "2026-01-01T00:00:00.000Z",
  },
  by: {
    effect: "ALLOW",
    tool: "*",
    command: null,
    path: null,
    risk: null,
    role: null,
    group: null,
    people: 1,
  },
});

test("each outcome that there is has its count, in one order", () => {
  const requests = (["OVERRULED", "ALLOWS", "OVERRULED"] as const).map(tried);
  expect(countsOf({ requests })).toEqual([
    ["ALLOWS", 1],
    ["OVERRULED", 2],
  ]);
  expect(countsOf({ requests: [] })).toEqual([]);
});
