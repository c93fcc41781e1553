import { expect, test } from "vitest";
import type { Agent, Waiting } from "~/live/documents";
import { asText, changed, fromText, readAddress } from "./address";
import { arranged, counts, rowsOf, type Item } from "./fleet";

const NOW = Date.parse("2026-03-04T12:00:00Z");
const ago = (minutes: number) => new Date(NOW - minutes * 60_000).toISOString();

function agent(name: string, known: Partial<Agent> = {}): Agent {
  return {
    key: name.toLowerCase(),
    name,
    sessionKey: "s1",
    machine: "box",
    cli: "claude",
    state: "IDLE",
    paused: false,
    reason: null,
    since: ago(1),
    awaySince: null,
    seenAt: null,
    doing: null,
    said: null,
    task: null,
    branch: null,
    cwd: null,
    tokens: null,
    startedBy: "Ann",
    waitingApprovals: 0,
    dismissed: false,
    ended: false,
    ...known,
  } as Agent;
}

const AROUND = {
  sessions: new Map([
    ["s1", "api"],
    ["s2", "docs"],
  ]),
  waiting: [],
};
const names = (items: readonly Item[]) =>
  items.map((one) => (one.type === "agent" ? one.row.agent.name : `[${one.title} ${one.count}]`));
const listed = (agents: readonly Agent[], address = {}, held: string[] | null = null) =>
  names(arranged(rowsOf(agents, AROUND, NOW), address, held));

const FLEET = [
  agent("Worker", { state: "WORKING", task: "build the API" }),
  agent("Asker", { state: "WORKING", waitingApprovals: 1, since: ago(2) }),
  agent("Old", { state: "FAILED", since: ago(9), machine: "laptop" }),
  agent("Gone", { state: "RELEASED" }),
  agent("Seen", { state: "FAILED", dismissed: true }),
  agent("Away", { state: "WORKING", awaySince: ago(3), sessionKey: "s2", machine: "Mini" }),
  agent("Builder", { tokens: 7, startedBy: "Bo", branch: "fix/login" }),
];

test("who needs a person comes first, what is wrong ahead of who asks, the longest so first", () => {
  expect(listed(FLEET)).toEqual(["Old", "Away", "Asker", "Builder", "Worker"]);
});

test("who works and who is idle stay where they are when they change", () => {
  const busy = FLEET.map((one) => (one.name === "Builder" ? { ...one, state: "WORKING" as const } : one));
  expect(listed(busy)).toEqual(listed(FLEET));
});

test.each([
  [{ show: "needs" }, ["Old", "Away", "Asker"]],
  [{ show: "working" }, ["Worker"]],
  [{ show: "idle" }, ["Builder"]],
  [{ sort: "name" }, ["Asker", "Away", "Builder", "Old", "Worker"]],
  [{ sort: "since" }, ["Old", "Away", "Asker", "Builder", "Worker"]],
  [{ sort: "spent" }, ["Builder", "Asker", "Old", "Worker", "Away"]],
  [{ q: "state:failed" }, ["Old"]],
  [{ q: "machine:mini" }, ["Away"]],
  [{ q: "API" }, ["Old", "Asker", "Builder", "Worker"]],
  [{ q: "build the" }, ["Worker"]],
  [{ q: "person:bo branch:login" }, ["Builder"]],
  [{ q: "nobody:here" }, []],
])("%j shows %j", (address, shown) => {
  expect(listed(FLEET, address)).toEqual(shown);
});

test("groups come in the order of their most urgent agent", () => {
  expect(listed(FLEET, { group: "session" })).toEqual([
    ...["[api 4]", "Old", "Asker", "Builder", "Worker"],
    ...["[docs 1]", "Away"],
  ]);
  expect(listed(FLEET, { group: "person", show: "idle" })).toEqual(["[Bo 1]", "Builder"]);
});

test("an order that is held stays, and who is new comes behind", () => {
  expect(listed(FLEET, {}, ["worker", "asker", "old"])).toEqual([
    "Worker",
    "Asker",
    "Old",
    "Away",
    "Builder",
  ]);
});

test("what an agent asks longest is shown, and since when", () => {
  const waiting = [
    { agentKey: "asker", title: "first", askedAt: ago(5) },
    { agentKey: "asker", title: "second", askedAt: ago(1) },
  ] as Waiting[];
  const rows = rowsOf(FLEET, { ...AROUND, waiting }, NOW);
  const asker = rows.find((row) => row.agent.name === "Asker");
  expect(asker?.asks?.title).toBe("first");
  expect(asker?.standing.since).toBe(NOW - 5 * 60_000);
  expect(counts(rows)).toEqual({ needs: 3, working: 1, idle: 1 });
});

test("an address survives being written down, and what cannot be read is left out", () => {
  const address = { q: "machine:box a&b", show: "needs", group: "machine", sort: "spent" } as const;
  expect(fromText(asText(address))).toEqual(address);
  expect(readAddress({ q: 7, show: "everything", group: [], sort: null })).toEqual({});
  expect(changed(address, { q: undefined, group: undefined })).toEqual({ show: "needs", sort: "spent" });
});
