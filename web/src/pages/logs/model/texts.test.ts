import { expect, test } from "vitest";
import type { SessionEvent } from "~/live/log/events";
import { pieces } from "./highlights";
import { beginning, lineOf } from "./lines";
import { searchError } from "./searchError";

const EVENT = {
  cursor: "a:b:7",
  offset: 7,
  at: "2026-01-31T10:00:00.000Z",
  agentKey: "k",
  agentName: "Lead",
};
const event = (more: object) => ({ ...EVENT, ...more }) as SessionEvent;
const frame = (...contents: object[]) =>
  event({
    __typename: "FrameEvent",
    kind: "agent.frame",
    frameType: "item/completed",
    transient: false,
    contents,
  });

test("a command is a line with its output and, where it failed, its status", () => {
  const run = { __typename: "CommandRun", command: "make", output: "boom\n", exitCode: 2 };
  expect(lineOf(frame(run))).toMatchObject({
    epoch: "a:b",
    offset: 7,
    agent: "Lead",
    kind: "command",
    text: "$ make\nboom\nexit 2",
    tone: "bad",
  });
});

test("a frame that says nothing shows its name", () => {
  expect(lineOf(frame())).toMatchObject({ kind: "frame", text: "item/completed", tone: "quiet" });
});

test("a message is its sender's", () => {
  const message = event({
    __typename: "MessageEvent",
    sender: { name: "you" },
    to: "#dev",
    messageText: "go",
    recipients: [],
  });
  expect(lineOf(message)).toMatchObject({ agent: "you", text: "→ #dev: go" });
});

test("only long texts are cut, at a line's end where there are many", () => {
  expect(beginning("short\ntext")).toBeNull();
  expect(beginning("x\n".repeat(60))).toBe("x\nx\nx\nx\nx\nx\nx\nx");
  expect(beginning("y".repeat(5000))).toHaveLength(1200);
});

test("matches are marked by code points, not by halves of letters", () => {
  expect(
    pieces("🙂 exit 🙂 1", [
      { start: 2, length: 4 },
      { start: 9, length: 1 },
    ]),
  ).toEqual([
    { text: "🙂 ", marked: false },
    { text: "exit", marked: true },
    { text: " 🙂 ", marked: false },
    { text: "1", marked: true },
  ]);
});

test("a refused search points at its column, at the latest at the last letter", () => {
  const refused = (column: number) => ({
    graphQLErrors: [{ message: "x", extensions: { details: { column, problem: "there is no field foo" } } }],
  });
  expect(searchError(refused(3), "a foo:b")).toEqual({ message: "there is no field foo", column: 3 });
  expect(searchError(refused(99), "a")).toEqual({ message: "there is no field foo", column: 1 });
  expect(searchError({ graphQLErrors: [] }, "a").column).toBeNull();
});
