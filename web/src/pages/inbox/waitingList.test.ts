import { describe, expect, it } from "vitest";
import type { Asked } from "./documents";
import { changed, fromSnapshot, NOTHING } from "./waitingList";

function asked(key: string, at = "2026-01-01T00:00:00.000Z", status: Asked["status"] = "PENDING"): Asked {
  return {
    id: `id-${key}`,
    key,
    agent: "Backend",
    agentKey: "a",
    sessionKey: "s",
    status,
    tool: "Bash",
    title: "Run a command",
    command: "ls",
    cwd: "/w",
    changes: [],
    input: null,
    reason: null,
    risk: "LOW",
    riskReasons: [],
    suggestedRules: [],
    machine: null,
    canAllowSession: true,
    masked: false,
    askedAt: at,
    deadline: at,
    answeredBy: null,
    note: null,
    detail: "",
    options: [],
    question: null,
  };
}

const keys = (list: { waiting: readonly Asked[] }) => list.waiting.map((one) => one.key);

describe("the list of what waits", () => {
  it("puts the oldest question first", () => {
    const list = fromSnapshot([
      asked("b", "2026-01-02T00:00:00.000Z"),
      asked("a", "2026-01-01T00:00:00.000Z"),
    ]);
    expect(keys(list)).toEqual(["a", "b"]);
    expect(keys(changed(list, asked("c", "2025-01-01T00:00:00.000Z")))).toEqual(["c", "a", "b"]);
  });

  it("lets go of what was answered elsewhere and says so", () => {
    const list = changed(fromSnapshot([asked("a"), asked("b")]), asked("a", undefined, "ALLOWED"));
    expect(keys(list)).toEqual(["b"]);
    expect(list.settled?.key).toBe("a");
  });

  it("takes word of an approval twice without showing it twice", () => {
    const once = changed(NOTHING, asked("a"));
    expect(keys(changed(once, asked("a")))).toEqual(["a"]);
    const gone = changed(once, asked("a", undefined, "DENIED"));
    expect(changed(gone, asked("a", undefined, "DENIED"))).toEqual(gone);
  });
});
