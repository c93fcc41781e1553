import type { Content, EventOf, SessionEvent } from "~/live/log/events";
import * as texts from "~/texts";

/** How high a line is that is not wrapped. */
export const ROW_PX = 24;

export type Tone = "plain" | "quiet" | "good" | "warn" | "bad";

/** An event as a line of a log. */
export interface LogLine {
  readonly cursor: string;
  readonly epoch: string;
  readonly offset: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** The agent's name; "" when it is no agent's. */
  readonly agent: string;
  /** What it is about, in a word. */
  readonly kind: string;
  /** It may have several lines, and terminal colours. */
  readonly text: string;
  readonly tone: Tone;
}

interface Said {
  readonly kind: string;
  readonly text: string;
  readonly tone?: Tone;
  readonly agent?: string;
}

/** An event as a line. */
export function lineOf(event: SessionEvent): LogLine {
  const said = saidBy(event);
  return {
    cursor: event.cursor,
    epoch: event.cursor.slice(0, event.cursor.lastIndexOf(":")),
    offset: event.offset,
    at: Date.parse(event.at),
    agent: said.agent ?? event.agentName ?? "",
    kind: said.kind,
    text: said.text,
    tone: said.tone ?? "plain",
  };
}

function saidBy(event: SessionEvent): Said {
  switch (event.__typename) {
    case "MessageEvent":
      return { kind: "message", agent: event.sender.name, text: `→ ${event.to}: ${event.messageText}` };
    case "ReceiptEvent":
      return receipt(event);
    case "TurnEvent":
      return turn(event);
    case "AgentEvent":
      return agentChange(event);
    case "ApprovalEvent":
      return approval(event);
    case "FrameEvent":
      return frame(event);
    case "ProxyEvent":
      return { kind: "machine", text: worded(event.kind, event.machine), tone: "quiet" };
    default:
      return { kind: event.kind.split(".")[0] ?? "", text: event.kind, tone: "quiet" };
  }
}

function receipt(event: EventOf<"ReceiptEvent">): Said {
  const why = event.reason ?? event.because;
  return {
    kind: "receipt",
    text: worded(event.receipt, why),
    tone: event.receipt === "undeliverable" ? "bad" : "quiet",
  };
}

function turn(event: EventOf<"TurnEvent">): Said {
  if (event.started) return { kind: "turn", text: texts.logs.turnStarted, tone: "quiet" };
  const failed = event.outcome !== null && event.outcome !== "completed";
  const words = event.reason ?? event.closingText ?? "";
  return {
    kind: "turn",
    text: worded(texts.logs.turn(event.outcome ?? texts.logs.ended), words),
    tone: failed ? "bad" : "good",
  };
}

const ENDINGS: Record<string, Tone> = { failed: "bad", deaf: "warn", lost: "warn" };

function agentChange(event: EventOf<"AgentEvent">): Said {
  const state = event.state?.toLowerCase() ?? "";
  const what = state || event.kind.replace(/^agent\./, "");
  const why = [event.reason, event.detail].filter((one) => one && one !== what).join(": ");
  return { kind: "agent", text: worded(what, why), tone: ENDINGS[state] ?? "quiet" };
}

const VERDICTS: Record<string, Tone> = {
  PENDING: "warn",
  ALLOWED: "good",
  ANSWERED: "good",
  DENIED: "bad",
  EXPIRED: "bad",
  WITHDRAWN: "quiet",
};

function approval(event: EventOf<"ApprovalEvent">): Said {
  const asked = event.command ?? event.title ?? event.tool ?? "";
  const by = event.by ? texts.logs.by(event.by) : "";
  const note = event.note ? `: ${event.note}` : "";
  if (event.kind === "approval.assented") {
    return { kind: "approval", text: texts.logs.oneSaidYes(by), tone: "plain" };
  }
  const verdict = event.status === "PENDING" ? "asks" : event.status.toLowerCase();
  return {
    kind: "approval",
    text: `${verdict}${by}: ${asked}${note}`,
    tone: VERDICTS[event.status] ?? "plain",
  };
}

function frame(event: EventOf<"FrameEvent">): Said {
  const said = event.contents.map(content).filter((one) => one !== null);
  const [first] = said;
  if (!first) return { kind: "frame", text: event.frameType, tone: "quiet" };
  const tone = said.find((one) => one.tone === "bad")?.tone ?? first.tone;
  return { kind: first.kind, text: said.map((one) => one.text).join("\n"), ...(tone && { tone }) };
}

const MARKS: Record<string, string> = { completed: "[x]", in_progress: "[-]" };

const planned = (step: { text: string; state: string }) => `${MARKS[step.state] ?? "[ ]"} ${step.text}`;

function content(one: Content): Said | null {
  switch (one.__typename) {
    case "TextContent":
      return { kind: "text", text: one.text };
    case "TextDelta":
      return { kind: "text", text: one.delta };
    case "Thought":
      return { kind: "thought", text: one.text, tone: "quiet" };
    case "ThoughtDelta":
      return { kind: "thought", text: one.delta, tone: "quiet" };
    case "PlanContent":
      return { kind: "plan", text: one.steps.map(planned).join("\n"), tone: "quiet" };
    case "ToolCall":
      return {
        kind: "tool",
        text: `${one.server ? `${one.server}.` : ""}${one.tool} ${json(one.input)}`.trim(),
      };
    case "ToolResult":
      return {
        kind: "tool",
        text: one.output || (one.ok ? texts.logs.done : texts.logs.hasFailed),
        ...(!one.ok && { tone: "bad" as const }),
      };
    case "CommandRun":
      return command(one);
    case "FilesChanged":
      return { kind: "files", text: one.changes.map((each) => `${each.change} ${each.path}`).join("\n") };
    case "Problem":
      return { kind: "error", text: one.detail, tone: one.willRetry ? "warn" : "bad" };
    default:
      return null;
  }
}

function command(run: Extract<Content, { __typename: "CommandRun" }>): Said {
  const failed = run.exitCode !== null && run.exitCode !== 0;
  const exit = failed ? `\nexit ${run.exitCode}` : "";
  const output = run.output.replace(/\n$/, "");
  return {
    kind: "command",
    text: `$ ${run.command}${output ? `\n${output}` : ""}${exit}`,
    ...(failed && { tone: "bad" as const }),
  };
}

function json(input: unknown): string {
  return input === null || input === undefined ? "" : JSON.stringify(input);
}

function worded(what: string, why: string | null | undefined): string {
  return why ? `${what}: ${why}` : what;
}

/** How much of a line is shown before one asks for all of it. */
const SHOWN_LINES = 8;
const SHOWN_CHARACTERS = 1200;
const LEAST_HIDDEN = 80;

/** The beginning of a long text, cut at a line's end where there is one; null when the text is short. */
export function beginning(text: string): string | null {
  let end = Math.min(text.length, SHOWN_CHARACTERS);
  let place = -1;
  for (let lines = 0; lines < SHOWN_LINES; lines += 1) {
    place = text.indexOf("\n", place + 1);
    if (place < 0) break;
    if (lines === SHOWN_LINES - 1) end = Math.min(end, place);
  }
  // A button that uncovers three words takes more room than they do.
  return text.length - end > LEAST_HIDDEN ? text.slice(0, end) : null;
}
