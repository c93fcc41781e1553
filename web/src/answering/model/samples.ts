import type { Asked } from "../documents";

/** An approval that waits, for tests. */
export function asked(key: string, changes: Partial<Asked> = {}): Asked {
  return {
    id: `id-${key}`,
    key,
    agent: "Backend",
    agentKey: "a",
    sessionKey: "s",
    status: "PENDING",
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
    needs: [],
    assents: [],
    ownYes: "COUNTS",
    machine: null,
    canAllowSession: true,
    masked: false,
    askedAt: "2026-01-01T00:00:00.000Z",
    deadline: "2026-01-01T00:00:00.000Z",
    answeredBy: null,
    note: null,
    detail: "",
    options: [],
    question: null,
    ...changes,
  };
}
