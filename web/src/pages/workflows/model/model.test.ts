import { expect, test } from "vitest";
import type { Run, Step } from "../runs";
import { definitionsOf } from "./definitions";
import { choicesOf, isWanted, readWanted } from "./history";
import { arrange, arrangeIn, NODE } from "./layout";
import { commandIn, isOver, offeredForRun, offeredForStep } from "./offered";
import { barsOf, spanOf } from "./spans";

const ALL = new Set(["SPAWN", "RELEASE"]);

const step = (name: string, given: Partial<Step> = {}): Step => ({
  name,
  type: "deterministic",
  agent: null,
  state: "pending",
  reason: "",
  attempt: 0,
  round: 1,
  after: [],
  choice: null,
  by_hand: false,
  until_ms: null,
  tokens: 0,
  webhook: null,
  attempts: [],
  ...given,
});

test("a step is drawn behind what it waits for, and beside what it does not", () => {
  const steps = [
    step("a"),
    step("b", { after: ["a"] }),
    step("c", { after: ["a"] }),
    step("d", { after: ["b", "c"] }),
  ];
  const { nodes, lines } = arrange(steps, "LR");
  const [a, b, c] = ["a", "b", "c"].map((id) => {
    const node = nodes.find((each) => each.id === id);
    if (!node) throw new Error(`${id} is not drawn`);
    return node;
  }) as [(typeof nodes)[0], (typeof nodes)[0], (typeof nodes)[0]];
  expect(b.x).toBeGreaterThanOrEqual(a.x + NODE.width);
  expect(b.x).toBe(c.x);
  expect(Math.abs(b.y - c.y)).toBeGreaterThanOrEqual(NODE.height);
  expect(lines).toHaveLength(4);
});

test("a step that waits for one that is not shown is drawn all the same", () => {
  expect(arrange([step("a", { after: ["gone"] })], "TB").lines).toEqual([]);
});

test("what is offered follows from how things stand", () => {
  expect(offeredForRun({ state: "running", held: null }, ALL)).toEqual(["cancel"]);
  expect(offeredForRun({ state: "running", held: "nobody" }, ALL)).toEqual(["resume", "cancel"]);
  expect(offeredForRun({ state: "failed", held: null }, ALL)).toEqual(["resume"]);
  expect(offeredForRun({ state: "completed", held: null }, ALL)).toEqual([]);
  expect(offeredForRun({ state: "needs_human", held: null }, new Set())).toEqual([]);
  expect(offeredForStep({ state: "needs_human" }, step("a", { state: "needs_human" }), ALL)).toEqual([
    "retry",
    "skip",
    "fail",
  ]);
  expect(offeredForStep({ state: "failed" }, step("a", { state: "failed" }), ALL)).toEqual(["retry", "skip"]);
  expect(offeredForStep({ state: "running" }, step("a", { state: "running" }), ALL)).toEqual([]);
  expect(offeredForStep({ state: "running" }, step("a", { state: "completed" }), ALL)).toEqual([]);
  expect(offeredForStep({ state: "completed" }, step("a", { state: "skipped" }), ALL)).toEqual([]);
});

test("the command that a machine asks for is found in its reason", () => {
  expect(commandIn("not allowed: `relay-connect workflow allow 'my flow'` in a terminal")).toBe(
    "relay-connect workflow allow 'my flow'",
  );
  expect(commandIn("exit code 1: `rm`")).toBeNull();
});

test("bars lie within the run, and what goes on reaches to now", () => {
  const attempt = (number: number, from: number, to: number | null) => ({
    number,
    started_at_ms: from,
    ended_at_ms: to,
    outcome: to === null ? null : "failed",
    reason: "",
  });
  const one = step("a", { attempts: [attempt(1, 1000, 1500), attempt(2, 1750, null)] });
  const span = spanOf({ started_at_ms: 1000, changed_at_ms: 1750 }, [one], { now: 2000, over: false });
  expect(span).toEqual({ from: 1000, to: 2000 });
  expect(barsOf(one, span)).toEqual([
    { number: 1, start: 0, length: 0.5, ms: 500, outcome: "failed" },
    { number: 2, start: 0.75, length: 0.25, ms: 250, outcome: null },
  ]);
});

const run = (id: string, name: string, definition: string): Run => ({
  id,
  name,
  workflow: name,
  session: "s",
  state: "completed",
  reason: null,
  held: null,
  by: "operator",
  machine: null,
  definition,
  origin: null,
  started_at_ms: 0,
  changed_at_ms: 0,
});

test("runs are of files, each with its latest run and how many versions it had", () => {
  const runs = [run("4", "ship", "b"), run("3", "build", "x"), run("2", "ship", "a"), run("1", "ship", "b")];
  expect(
    definitionsOf(runs).map(({ name, latest, runs: count, versions }) => [name, latest.id, count, versions]),
  ).toEqual([
    ["ship", "4", 3, 2],
    ["build", "3", 1, 1],
  ]);
  expect(definitionsOf([])).toEqual([]);
});

test("only a run of which nothing goes on is gone on from", () => {
  expect(
    ["completed", "completed_early", "failed", "cancelled"].every((state) =>
      isOver({ state } as Run & { steps: [] }),
    ),
  ).toBe(true);
  expect(["running", "needs_human"].some((state) => isOver({ state } as Run & { steps: [] }))).toBe(false);
});

test("the history is narrowed by state, file and who started a run, all of them together", () => {
  const runs = [
    { ...run("1", "build", "a"), by: "Ada", state: "failed" as const },
    { ...run("2", "build", "a"), by: "Grace", state: "failed" as const },
    { ...run("3", "ship", "b"), by: "Ada" },
  ];
  const shown = (search: Record<string, unknown>) =>
    runs.filter((each) => isWanted(each, readWanted(search))).map(({ id }) => id);
  expect(shown({})).toEqual(["1", "2", "3"]);
  expect(shown({ state: "failed", by: "Ada" })).toEqual(["1"]);
  expect(shown({ file: "ship", other: "x" })).toEqual(["3"]);
  expect(shown({ file: "", by: 7 })).toEqual(["1", "2", "3"]);
});

test("what is chosen can be seen and taken back though no run has it now", () => {
  expect(choicesOf(["ship", "build", "ship"], undefined)).toEqual(["build", "ship"]);
  expect(choicesOf(["ship"], "gone")).toEqual(["gone", "ship"]);
});

test("a chain is drawn along the longer side, steps beside each other across it", () => {
  const named = (count: number, after: (index: number) => readonly string[]) =>
    Array.from({ length: count }, (_, index) => ({ name: `s${index}`, after: after(index) }));
  const chain = named(6, (index) => (index === 0 ? [] : [`s${index - 1}`]));
  const beside = named(10, (index) => (index === 0 ? [] : ["s0"]));
  expect([arrangeIn(8, chain).direction, arrangeIn(1.4, chain).direction]).toEqual(["LR", "TB"]);
  expect(arrangeIn(1.4, beside).direction).toBe("LR");
  expect(arrangeIn(1.4, []).direction).toBe("LR");
});
