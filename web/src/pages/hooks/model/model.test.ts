import { expect, test } from "vitest";
import { readAddress } from "../address";
import { problemsIn, type Run } from "../hooks";
import { actionLine, commandLine, doneLines } from "./lines";
import { latestOf, standingOf } from "./standing";

const run = (id: string, hook: string): Run => ({
  id,
  hook,
  session: "s",
  name: "Worker",
  state: "completed",
  at_ms: 0,
  data: {},
});

test("what keeps a hook from running for longest is how it stands", () => {
  expect(standingOf({ enabled: true, stopped: null }, false)).toBe("on");
  expect(standingOf({ enabled: true, stopped: null }, true)).toBe("paused");
  expect(standingOf({ enabled: true, stopped: "410" }, true)).toBe("stopped");
  expect(standingOf({ enabled: false, stopped: "410" }, true)).toBe("off");
});

test("the latest run of a hook is the first in a list whose newest is first", () => {
  const latest = latestOf([run("3", "a"), run("2", "b"), run("1", "a")]);
  expect([latest.get("a")?.id, latest.get("b")?.id, latest.get("c")]).toEqual(["3", "2", undefined]);
});

test("the words of a command stay apart in its line", () => {
  expect(commandLine(["npm", "run", "lint", "--", "src/a b.ts"])).toBe("npm run lint -- 'src/a b.ts'");
  expect(commandLine(["say", "it's", ""])).toBe(`say 'it'"'"'s' ''`);
});

test("an action is one line, and what was done a line for each call", () => {
  expect(actionLine({ command: ["say", "a b"] })).toBe("say 'a b'");
  expect(actionLine({ command: "say ${agent}" })).toBe("say ${agent}");
  expect(actionLine({ relay: "Lead" })).toBe("relay: Lead");
  expect(actionLine({ webhook: "https://example.com" })).toBe("webhook: https://example.com");
  expect(actionLine({ notify: "desktop" })).toBe("notify: desktop");
  expect(actionLine({ start_workflow: "ship" })).toBe("start_workflow: ship");
  expect(doneLines({ starts: { whom: "Worker" } })).toEqual(["start_workflow whom=Worker"]);
  expect(doneLines({ argv: [["a"], ["b", "c d"]] })).toEqual(["a", "b 'c d'"]);
  expect(doneLines({ relay: "Lead", text: "done" })).toEqual(["Lead: done"]);
  expect(doneLines({ skipped: "no file" })).toEqual(["no file"]);
  expect(doneLines({ to: "ntfy.sh" })).toEqual(["ntfy.sh"]);
});

test("problems are those of a text that is no hooks file", () => {
  const problem = { line: 1, column: 2, message: "wrong" };
  const refused = { refused: "wrong", missing: false, details: { problems: [problem] } };
  expect(problemsIn({ ...refused, code: "INVALID_HOOKS" })).toEqual([problem]);
  expect(problemsIn({ ...refused, code: "INVALID_HOOKS", details: undefined })).toEqual([]);
  expect(problemsIn({ ...refused, code: "HOOKS_CHANGED" })).toEqual([]);
});

test("an address keeps what it understands, and nothing else", () => {
  expect(readAddress({ tab: "history", hook: "lint", other: 1 })).toEqual({ tab: "history", hook: "lint" });
  expect(readAddress({ tab: "hooks", hook: "" })).toEqual({});
  expect(readAddress({ tab: "elsewhere", hook: 1 })).toEqual({});
});
