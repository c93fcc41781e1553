import { expect, test } from "vitest";
import { agentWords, placeWords, stopsOver } from "./stops";

const stop = (scope: "SESSION" | "MACHINE" | "WORKSPACE", ofKey: string | null) => ({
  key: `${scope} ${ofKey}`,
  scope,
  ofKey,
  name: ofKey ?? "",
  how: "PAUSE" as const,
  by: "Ada",
  note: "",
  at: "2026-01-01T00:00:00.000Z",
  agents: 0,
  finished: true,
});

test("a place is named as people say it", () => {
  expect(placeWords(stop("SESSION", "main"))).toBe("session main");
  expect(placeWords(stop("MACHINE", "box"))).toBe("machine box");
  expect(placeWords(stop("WORKSPACE", null))).toBe("the workspace");
});

test("over a session are its own stop and those of its agents' machines", () => {
  const all = [
    stop("MACHINE", "box"),
    stop("MACHINE", "other"),
    stop("SESSION", "main"),
    stop("SESSION", "else"),
  ];
  expect(stopsOver(all, "main", new Set(["box"])).map((one) => one.key)).toEqual([
    "MACHINE box",
    "SESSION main",
  ]);
  expect(stopsOver(all, undefined, new Set())).toEqual([]);
});

test("who is met is named as far as it fits", () => {
  expect(agentWords([])).toBe("No agents are running there");
  expect(agentWords(["Lead"])).toBe("1 agent: Lead");
  expect(agentWords(["A", "B", "C", "D"])).toBe("4 agents: A, B, C and D");
  expect(agentWords(["A", "B", "C", "D", "E"])).toBe("5 agents: A, B, C and 2 more");
});
