import { parse } from "yaml";
import { expect, test } from "vitest";
import {
  addAgent,
  addStep,
  changeKind,
  changePattern,
  changeProgram,
  connect,
  disconnect,
  fillIn,
  removeAgent,
  removeStep,
  renameAgent,
  renameStep,
} from "./changing";
import { canWait, readDesign, type Design, type DesignedStep } from "./reading";

const FILE = `# what the release needs
version: "1.0"
name: release
swarm: {pattern: dag, maxConcurrency: 2}
agents:
  - {name: Builder, cli: codex, preset: worker} # the fast one
  - name: Judge
    cli: claude
workflows:
  - name: release
    steps:
      # first of all
      - name: build
        agent: Builder
        task: Build it.
        timeoutMs: 60000
      - name: test
        type: deterministic
        command: |
          make test
          echo "{{steps.build.output | trim}}"
        dependsOn: [build]
        verification: {type: exit_code, value: 0}
      - name: judge
        agent: Judge
        review: Builder
        task: "Is {{ steps.build.output }} good? And {{steps.test.file}}?"
        dependsOn: [build, test] # both
        repeatFrom: build
        verification:
          - {type: output_contains, value: good}
coordination:
  barriers:
    - {name: done, waitFor: [build, test]}
`;

function read(text: string, at = 0): Design {
  const design = readDesign(text, at);
  if ("broken" in design) throw new Error(design.broken);
  return design;
}

function step(text: string, name: string): DesignedStep {
  const found = read(text).steps.find((each) => each.name === name);
  if (!found) throw new Error(`no step ${name}`);
  return found;
}

function agent(text: string, name: string) {
  const found = read(text).agents.find((each) => each.name === name);
  if (!found) throw new Error(`no agent ${name}`);
  return found;
}

/** The lines that differ. */
function changed(before: string, after: string): { gone: string[]; come: string[] } {
  const [old, now] = [before.split("\n"), after.split("\n")];
  return {
    gone: old.filter((line) => !now.includes(line)),
    come: now.filter((line) => !old.includes(line)),
  };
}

test("a file is read as steps, what they wait for, and who does them", () => {
  const { steps, agents, pattern, workflows } = read(FILE);
  expect([pattern, workflows]).toEqual(["dag", ["release"]]);
  expect(steps.map(({ name, kind, after }) => [name, kind, after])).toEqual([
    ["build", "agent", []],
    ["test", "deterministic", ["build"]],
    ["judge", "agent", ["build", "test"]],
  ]);
  expect(agents.map(({ name, cli, steps: its }) => [name, cli, its])).toEqual([
    ["Builder", "codex", ["build"]],
    ["Judge", "claude", ["judge"]],
  ]);
  expect(Object.fromEntries(step(FILE, "test").filled)).toEqual({
    command: 'make test\necho "{{steps.build.output | trim}}"\n',
    check: "exit_code",
    expected: "0",
  });
  expect(step(FILE, "build").lines).toEqual([13, 16]);
});

test("what the form cannot show is named, and does not stand in a field", () => {
  const judge = step(FILE, "judge");
  expect(judge.unshown).toEqual(["review", "repeatFrom", "verification"]);
  expect(judge.fields.map(({ name }) => name)).not.toContain("check");
  const described = fillIn(FILE, step(FILE, "test"), "description", "all of them");
  expect(step(described, "test").fields.map(({ name }) => name)).toContain("check");
});

test.each(["", "# nothing yet\n"])("nothing is a design without steps: %j", (text) => {
  expect(read(text)).toEqual({ pattern: "", agents: [], workflows: [], steps: [] });
});

test.each(["- a\n- b\n", "name: [", "just words"])("what is no workflow file says so: %j", (text) => {
  expect(readDesign(text)).toHaveProperty("broken");
});

test("the first step makes a whole file, with somebody who does it", () => {
  const { text, name } = addStep("", 0);
  expect(parse(text)).toEqual({
    version: "1.0",
    name: "workflow",
    swarm: { pattern: "dag" },
    agents: [{ name: "Worker", cli: "claude", preset: "worker" }],
    workflows: [{ name: "workflow", steps: [{ name, agent: "Worker", task: "" }] }],
  });
  const second = addStep(text, 0, step(text, name));
  expect(step(second.text, second.name).after).toEqual([name]);
});

test("a step that is added stands behind the one that it waits for, and nothing else changes", () => {
  const { text, name } = addStep(FILE, 0, step(FILE, "build"));
  expect(read(text).steps.map((each) => each.name)).toEqual(["build", name, "test", "judge"]);
  expect(step(text, name).filled.get("agent")).toBe("Builder");
  expect(changed(FILE, text)).toEqual({
    gone: [],
    come: [`      - name: ${name}`, '        task: ""', `        dependsOn: [build]`].filter(
      (line) => !FILE.includes(line),
    ),
  });
});

test("a word that is filled in changes its line alone; several lines stay several", () => {
  const other = fillIn(FILE, step(FILE, "build"), "task", "Build it twice.");
  expect(changed(FILE, other)).toEqual({
    gone: ["        task: Build it."],
    come: ["        task: Build it twice."],
  });
  const long = fillIn(FILE, step(FILE, "build"), "task", "Build it.\n\nThen say: done\n");
  expect(step(long, "build").filled.get("task")).toBe("Build it.\n\nThen say: done\n");
  expect(long).toContain("# first of all");
  expect(long).toContain("        task: |\n          Build it.\n\n          Then say: done\n");
  expect(fillIn(long, step(long, "build"), "task", "Build it.")).toBe(FILE);
});

test.each([
  "a: b",
  "# no comment",
  "yes",
  "12",
  "- item",
  '"quoted"',
  "{{steps.x.output}}",
  " spaced ",
  "ends\n",
  "a\n  b",
])("any text comes back as it was typed: %j", (typed) => {
  const text = fillIn(FILE, step(FILE, "judge"), "task", typed);
  expect(step(text, "judge").filled.get("task")).toBe(typed);
});

test("numbers are numbers, and what is emptied goes", () => {
  const text = fillIn(FILE, step(FILE, "build"), "retries", "3");
  expect(text).toContain("retries: 3");
  expect(fillIn(text, step(text, "build"), "retries", "")).toBe(FILE);
  expect(step(fillIn(FILE, step(FILE, "test"), "check", ""), "test").filled.has("expected")).toBe(false);
  const clean = fillIn(FILE, step(FILE, "test"), "check", "git_clean");
  expect(clean).toContain("verification: {type: git_clean}");
});

test("lines come and go", () => {
  const alone = disconnect(FILE, step(FILE, "test"), "build");
  expect(changed(FILE, alone)).toEqual({ gone: ["        dependsOn: [build]"], come: [] });
  expect(step(connect(alone, step(alone, "test"), "build"), "test").after).toEqual(["build"]);
  const less = disconnect(FILE, step(FILE, "judge"), "build");
  expect(less).toContain("dependsOn: [test] # both");
});

test("a step waits neither for itself, nor twice, nor in a circle", () => {
  const { steps } = read(FILE);
  expect(canWait(steps, "build", "judge")).toBe(false);
  expect(canWait(steps, "build", "build")).toBe(false);
  expect(canWait(steps, "judge", "test")).toBe(false);
  const { text, name } = addStep(FILE, 0);
  expect(canWait(read(text).steps, "build", name)).toBe(true);
});

test("what waited for a step that is removed waits for what that has waited for", () => {
  const text = removeStep(FILE, step(FILE, "test"));
  expect(read(text).steps.map(({ name, after }) => [name, after])).toEqual([
    ["build", []],
    ["judge", ["build"]],
  ]);
  expect(text).toContain("# both");
});

test("a step's new name is everywhere the workflow names it, and nowhere else", () => {
  const { text } = renameStep(FILE, step(FILE, "build"), "make it");
  expect(step(text, "judge").after).toEqual(["make it", "test"]);
  expect(text).toContain("repeatFrom: make it");
  expect(text).toContain("waitFor: [make it, test]");
  expect(step(text, "judge").filled.get("task")).toBe(
    "Is {{ steps.make it.output }} good? And {{steps.test.file}}?",
  );
  expect(step(text, "test").filled.get("command")).toContain("{{steps.make it.output | trim}}");
  expect(text).toContain("task: Build it.");
  const odd = renameStep(FILE, step(FILE, "test"), "t.$&");
  expect(step(odd.text, "judge").filled.get("task")).toContain("{{steps.t.$&.file}}");
});

test("an agent's new name is everywhere, and who does nothing may go", () => {
  const { text } = renameAgent(FILE, agent(FILE, "Builder"), "Maker");
  expect(step(text, "build").filled.get("agent")).toBe("Maker");
  expect(text).toContain("review: Maker");
  expect(text).toContain("# the fast one");
  const more = addAgent(FILE);
  expect(agent(more.text, more.name).steps).toEqual([]);
  expect(removeAgent(more.text, agent(more.text, more.name))).toBe(FILE);
});

test("program and pattern change where they stand", () => {
  expect(changed(FILE, changeProgram(FILE, agent(FILE, "Judge"), "gemini"))).toEqual({
    gone: ["    cli: claude"],
    come: ["    cli: gemini"],
  });
  expect(changePattern(FILE, "pipeline")).toBe(FILE.replace("pattern: dag", "pattern: pipeline"));
});

test("another kind of step keeps what both kinds have", () => {
  const asked = changeKind(FILE, step(FILE, "test"), "approval");
  const approval = step(asked, "test");
  expect([approval.kind, approval.after, approval.filled.has("command")]).toEqual([
    "approval",
    ["build"],
    false,
  ]);
  const back = changeKind(asked, approval, "agent");
  expect(step(back, "test").filled.get("agent")).toBe("Builder");
});

test("a step whose parts stand elsewhere is locked", () => {
  const text = FILE.replace("agent: Builder", "agent: &who Builder").replace("agent: Judge", "agent: *who");
  expect(read(text).steps.map(({ name, locked }) => [name, locked])).toEqual([
    ["build", true],
    ["test", false],
    ["judge", true],
  ]);
  const { steps } = read(text.replace("dependsOn: [build, test]", "dependsOn: [test]"));
  expect(canWait(steps, "judge", "build")).toBe(false);
});

test("each workflow of a file has its steps; an agent of any of them is in use", () => {
  const text = FILE.replace(
    "coordination:",
    "  - name: other\n    steps:\n      - {name: only, agent: Judge, task: Look.}\ncoordination:",
  );
  expect(read(text).workflows).toEqual(["release", "other"]);
  expect(read(text, 1).steps.map(({ name }) => name)).toEqual(["only"]);
  expect(agent(text, "Judge").steps).toEqual(["judge", "only"]);
  const { text: more, name } = addStep(text, 1, read(text, 1).steps[0]);
  expect(read(more, 1).steps.map((each) => each.name)).toEqual(["only", name]);
  expect(more).toContain(`{name: ${name}, agent: Judge, task: "", dependsOn: [only]}`);
});
