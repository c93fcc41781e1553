import { expect, test } from "vitest";
import type { Content, EventOf, SessionEvent } from "~/live/log/events";
import { Conversation } from "./conversation";

const START = Date.parse("2026-01-31T10:00:00.000Z");
let offset = 0;

function base(kind: string, agent: string | null = "Lead") {
  offset += 1;
  return {
    cursor: `e:${offset}`,
    offset,
    at: new Date(START + offset * 1000).toISOString(),
    kind,
    agentKey: agent && `key-${agent}`,
    agentName: agent,
  };
}

const message = (key: string, to = "Lead"): EventOf<"MessageEvent"> => ({
  ...base("message.accepted", null),
  __typename: "MessageEvent",
  messageKey: key,
  sender: { name: "Ada", role: "HUMAN", agentKey: null },
  to,
  messageText: `text of ${key}`,
  mode: "WAIT",
  thread: null,
  recipients: [{ name: to, agentKey: `key-${to}`, state: "QUEUED", because: null }],
});

const receipt = (key: string, state: string): EventOf<"ReceiptEvent"> => ({
  ...base("message.receipt"),
  __typename: "ReceiptEvent",
  messageKey: key,
  receipt: state,
  because: null,
  reason: null,
  inTurn: null,
  outcome: null,
});

const turn = (id: string, started: boolean, closingText: string | null = null): EventOf<"TurnEvent"> => ({
  ...base(started ? "turn.started" : "turn.ended"),
  __typename: "TurnEvent",
  turn: id,
  started,
  messageKeys: ["m1"],
  outcome: started ? null : "completed",
  closingText,
  reason: null,
});

const frame = (...contents: Content[]): EventOf<"FrameEvent"> => ({
  ...base("agent.frame"),
  __typename: "FrameEvent",
  frameType: "assistant",
  transient: contents.some((content) => content.__typename === "TextDelta"),
  contents,
});

const delta = (text: string): Content => ({ __typename: "TextDelta", delta: text });
const text = (whole: string): Content => ({ __typename: "TextContent", text: whole });

function told(...events: SessionEvent[]) {
  const conversation = new Conversation();
  events.forEach((event) => conversation.add(event));
  return conversation.snapshot();
}

test("a message gathers its receipts with their times", () => {
  const [entry] = told(message("m1"), receipt("m1", "sent"), receipt("m1", "in_turn"));
  expect(entry).toMatchObject({
    type: "message",
    to: "Lead",
    deliveries: [{ name: "Lead", state: "in_turn" }],
  });
  if (entry?.type !== "message") throw new Error("not a message");
  expect(entry.deliveries[0]?.steps.map((step) => step.state)).toEqual(["accepted", "sent", "in_turn"]);
});

test("fragments become the text that repeats them whole", () => {
  const parts = (...events: SessionEvent[]) => {
    const entry = told(turn("t", true), ...events)[0];
    return entry?.type === "turn" ? entry.parts : [];
  };
  expect(parts(frame(delta("He")), frame(delta("llo")))).toEqual([
    { type: "text", text: "Hello", streaming: true },
  ]);
  expect(parts(frame(delta("He")), frame(delta("llo")), frame(text("Hello.")))).toEqual([
    { type: "text", text: "Hello.", streaming: false },
  ]);
});

test("reasoning streams until it is told whole, and ends with its turn", () => {
  const thought = (...contents: Content[]) => {
    const entry = told(turn("t", true), ...contents.map((one) => frame(one)))[0];
    return entry?.type === "turn" ? entry.parts[0] : undefined;
  };
  const piece: Content = { __typename: "ThoughtDelta", delta: "Let me " };
  expect(thought(piece, piece)).toEqual({ type: "thought", text: "Let me Let me ", streaming: true });
  const whole: Content = { __typename: "Thought", text: "Let me see." };
  expect(thought(piece, whole)).toEqual({ type: "thought", text: "Let me see.", streaming: false });
  const [entry] = told(turn("t", true), frame(piece), turn("t", false));
  expect(entry).toMatchObject({ parts: [{ type: "thought", streaming: false }] });
});

test("a turn whose start is told twice keeps what was said in between", () => {
  const entries = told(turn("t", true), frame(text("Hello.")), turn("t", true), frame(text("Bye.")));
  expect(entries).toHaveLength(1);
  expect(entries[0]).toMatchObject({ parts: [{ text: "Hello." }, { text: "Bye." }] });
});

test("a plan stays where it was told first, as it was told last", () => {
  const plan = (state: string): Content => ({ __typename: "PlanContent", steps: [{ text: "look", state }] });
  const [entry] = told(
    turn("t", true),
    frame(plan("pending")),
    frame(text("I looked.")),
    frame(plan("completed")),
  );
  expect(entry).toMatchObject({
    parts: [{ type: "plan", steps: [{ text: "look", state: "completed" }] }, { type: "text" }],
  });
});

test("a tool's call and its results are one card", () => {
  const [entry] = told(
    turn("t", true),
    frame({ __typename: "ToolCall", callId: "c", tool: "Bash", server: null, input: { command: "ls" } }),
    frame({ __typename: "ToolResult", callId: "c", ok: true, output: "a\nb" }),
    frame({ __typename: "CommandRun", callId: "c", command: "ls", cwd: "/src", exitCode: 0, output: "" }),
  );
  expect(entry).toMatchObject({
    parts: [
      { type: "tool", tool: "Bash", command: "ls", cwd: "/src", exitCode: 0, ok: true, output: "a\nb" },
    ],
  });
});

test("a turn ends with its closing words once, though they were streamed", () => {
  const [entry] = told(turn("t", true), frame(text("All done.")), turn("t", false, "All done."));
  expect(entry).toMatchObject({ outcome: "completed", parts: [{ type: "text", text: "All done." }] });
  const [silent] = told(turn("t", true), turn("t", false, "All done."));
  expect(silent).toMatchObject({ parts: [{ type: "text", text: "All done.", streaming: false }] });
});

test("a turn whose start was not read is there from its end", () => {
  expect(told(turn("t", false, "Done."))).toMatchObject([{ type: "turn", turn: "t", outcome: "completed" }]);
});

test("what was read of a turn whose start was not is one entry, which says so", () => {
  const entries = told(frame(text("Half.")), turn("t", false));
  expect(entries).toMatchObject([
    { turn: "t", torn: true, outcome: "completed", parts: [{ text: "Half." }] },
  ]);
  expect(told(turn("t", true), turn("t", false))).toMatchObject([{ turn: "t", torn: false }]);
});

test("nothing of a turn runs on behind its end", () => {
  const call = { __typename: "ToolCall", callId: "c", tool: "Bash", server: null, input: null } as const;
  const [entry] = told(turn("t", true), frame(call), turn("t", false));
  const part = entry?.type === "turn" ? entry.parts[0] : undefined;
  expect(part?.type === "tool" && part.endedAt).toBeGreaterThan(START);
});

test("each event leads to the entry that tells of it", () => {
  const conversation = new Conversation();
  const events = [
    message("m1"),
    frame(delta("He")),
    turn("t", true),
    receipt("m1", "sent"),
    turn("t", false),
  ];
  events.forEach((event) => conversation.add(event));
  const tellers = events.map((event) => conversation.tellerOf(event.offset));
  expect(tellers).toEqual(["m1", "key-Lead/t", "key-Lead/t", "m1", "key-Lead/t"]);
  conversation.add(message("m2"));
  expect(conversation.tellerOf(offset - 0.5)).toBe("m2");
  expect(conversation.tellerOf(offset + 1)).toBeNull();
});

test("what an event does not concern stays the same object", () => {
  const conversation = new Conversation();
  [message("m1"), turn("t", true), message("m2")].forEach((event) => conversation.add(event));
  const before = conversation.snapshot();
  conversation.add(frame(delta("x")));
  const after = conversation.snapshot();
  expect(after.map((entry, index) => entry === before[index])).toEqual([true, false, true]);
});

test("what an agent says just before its turn is logged belongs to the turn", () => {
  const [entry, ...others] = told(
    frame(delta("He")),
    turn("t", true),
    frame(text("Hello.")),
    turn("t", false),
  );
  expect(others).toEqual([]);
  expect(entry).toMatchObject({
    turn: "t",
    outcome: "completed",
    parts: [{ text: "Hello.", streaming: false }],
  });
});

test("a hook that did not do what it should is told, with why; one that did is not", () => {
  const hook = (state: string, reason: string | null, exitCode: number | null): EventOf<"HookEvent"> => ({
    ...base(`hook.${state}`),
    __typename: "HookEvent",
    hook: "lint",
    runState: state,
    reason,
    exitCode,
  });
  const entries = told(
    hook("refused", "the owner has not allowed it", null),
    hook("started", null, null),
    hook("completed", null, 0),
    hook("failed", null, 2),
  );
  expect([...entries.values()].map((entry) => entry.type === "notice" && entry.words)).toEqual([
    "hook lint was not run: the owner has not allowed it",
    "hook lint failed: exit 2",
  ]);
});

const ended = (kind: string, reason: string | null): EventOf<"AgentEvent"> => ({
  ...base(kind),
  __typename: "AgentEvent",
  state: null,
  was: null,
  reason,
  detail: null,
  data: {},
});

test.each(["agent.failed", "agent.released", "agent.restarting"])("a turn is over after %s", (kind) => {
  const conversation = new Conversation();
  [turn("t1", true), frame({ __typename: "TextDelta", delta: "half a" }), ended(kind, "exited")].forEach(
    (event) => conversation.add(event),
  );
  const [cut] = conversation.entries;
  expect(cut).toMatchObject({ type: "turn", outcome: "failed", reason: "exited" });
  expect(cut?.type === "turn" && cut.endedAt).toBeGreaterThan(START);
  conversation.add(turn("t2", true));
  expect(conversation.entries.at(-1)).toMatchObject({ turn: "t2", endedAt: null });
});
