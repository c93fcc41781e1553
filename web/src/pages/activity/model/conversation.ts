import type { Content, EventOf, SessionEvent } from "~/live/events";
import type { Delivery, Entry, MessageEntry, Part, ToolPart, TurnEntry } from "./entries";
import { noticeOf } from "./notices";
import * as texts from "~/texts";

/** An agent's first words may be logged before the start of the turn they belong to, by so much. */
const EARLY_MS = 5000;

/**
 * A session's events as people read them: messages, turns and notices, in the order they began. Entries that an
 * event does not concern stay the same objects, so that only what changed is drawn again.
 */
export class Conversation {
  #entries: Entry[] = [];
  readonly #places = new Map<string, number>();
  /** The entry that an agent's frames belong to. */
  readonly #current = new Map<string, string>();

  get entries(): readonly Entry[] {
    return this.#entries;
  }

  add(event: SessionEvent): void {
    switch (event.__typename) {
      case "MessageEvent":
        this.#message(event);
        break;
      case "ReceiptEvent":
        this.#receipt(event);
        break;
      case "TurnEvent":
        if (event.started) this.#turnStarted(event);
        else this.#turnEnded(event);
        break;
      case "FrameEvent":
        this.#frame(event);
        break;
      default: {
        const notice = noticeOf(event);
        if (notice) this.#put(notice);
      }
    }
  }

  /** The entries as they are now, in an array that stays as it is. */
  snapshot(): readonly Entry[] {
    return [...this.#entries];
  }

  #put(entry: Entry): void {
    const place = this.#places.get(entry.key);
    if (place === undefined) {
      this.#places.set(entry.key, this.#entries.length);
      this.#entries.push(entry);
    } else this.#entries[place] = entry;
  }

  #find<Type extends Entry["type"]>(type: Type, key: string): Extract<Entry, { type: Type }> | null {
    const place = this.#places.get(key);
    const entry = place === undefined ? undefined : this.#entries[place];
    return entry?.type === type ? (entry as Extract<Entry, { type: Type }>) : null;
  }

  #message(event: EventOf<"MessageEvent">): void {
    const at = Date.parse(event.at);
    this.#put({
      type: "message",
      key: event.messageKey,
      at,
      from: event.sender,
      to: event.to,
      text: event.messageText,
      mode: event.mode,
      thread: event.thread,
      deliveries: event.recipients.map((one) => ({
        agent: one.agentKey,
        name: one.name,
        state: one.state.toLowerCase(),
        because: one.because,
        reason: null,
        steps: [{ state: "accepted", at }],
      })),
    });
  }

  #receipt(event: EventOf<"ReceiptEvent">): void {
    const message = this.#find("message", event.messageKey);
    if (!message) return;
    this.#put({ ...message, deliveries: message.deliveries.map((one) => withReceipt(one, event)) });
  }

  #turnStarted(event: EventOf<"TurnEvent">): void {
    const entry = turnEntry(event, event.turn, event.messageKeys);
    const early = this.#current.get(entry.agent);
    const said = early === undefined ? null : this.#find("turn", early);
    if (said?.turn === null && entry.at - said.at < EARLY_MS)
      this.#replace(said.key, { ...said, ...begun(entry) });
    else this.#put(entry);
    this.#current.set(entry.agent, entry.key);
  }

  #replace(key: string, entry: Entry): void {
    const place = this.#places.get(key);
    this.#places.delete(key);
    if (place !== undefined) this.#places.set(entry.key, place);
    this.#put(entry);
  }

  #turnEnded(event: EventOf<"TurnEvent">): void {
    const agent = event.agentKey ?? "";
    // Its start may lie before what was read.
    const begun =
      this.#find("turn", turnKey(agent, event.turn)) ?? turnEntry(event, event.turn, event.messageKeys);
    this.#put({
      ...begun,
      messageKeys: event.messageKeys.length > 0 ? event.messageKeys : begun.messageKeys,
      parts: withClosingText(begun.parts.map(finished), event.closingText ?? ""),
      endedAt: Date.parse(event.at),
      outcome: event.outcome,
      reason: event.reason,
    });
    this.#current.delete(agent);
  }

  #frame(event: EventOf<"FrameEvent">): void {
    const at = Date.parse(event.at);
    const shown = event.contents.filter(isShown);
    if (shown.length === 0) return;
    const turn = this.#turnOf(event);
    const parts = shown.reduce((all, content) => withContent(all, content, at), turn.parts);
    this.#put({ ...turn, parts });
  }

  /** The running turn of a frame's agent, or what it says outside of one. */
  #turnOf(event: EventOf<"FrameEvent">): TurnEntry {
    const agent = event.agentKey ?? "";
    const current = this.#current.get(agent);
    const found = current === undefined ? null : this.#find("turn", current);
    if (found) return found;
    const entry = turnEntry(event, null, []);
    this.#current.set(agent, entry.key);
    return entry;
  }
}

function begun({ key, turn, messageKeys }: TurnEntry): Pick<TurnEntry, "key" | "turn" | "messageKeys"> {
  return { key, turn, messageKeys };
}

const turnKey = (agent: string, turn: string) => `${agent}/${turn}`;

function turnEntry(event: SessionEvent, turn: string | null, messageKeys: readonly string[]): TurnEntry {
  const agent = event.agentKey ?? "";
  return {
    type: "turn",
    key: turn === null ? `${agent}@${event.offset}` : turnKey(agent, turn),
    at: Date.parse(event.at),
    agent,
    name: event.agentName ?? texts.session.anAgent,
    turn,
    messageKeys,
    parts: [],
    endedAt: null,
    outcome: null,
    reason: null,
  };
}

function withReceipt(delivery: Delivery, event: EventOf<"ReceiptEvent">): Delivery {
  if (delivery.agent !== event.agentKey) return delivery;
  return {
    ...delivery,
    state: event.receipt,
    because: event.because,
    reason: event.reason,
    steps: [...delivery.steps, { state: event.receipt, at: Date.parse(event.at) }],
  };
}

type Shown = Exclude<Content, { __typename: "TokenUsage" | "UnrecognisedContent" }>;

function isShown(content: Content): content is Shown {
  return content.__typename !== "TokenUsage" && content.__typename !== "UnrecognisedContent";
}

function withContent(parts: readonly Part[], content: Shown, at: number): readonly Part[] {
  switch (content.__typename) {
    case "TextDelta":
      return withDelta(parts, content.delta);
    case "TextContent":
      return withText(parts, content.text);
    case "Thought":
      return [...parts, { type: "thought", text: content.text }];
    case "Problem":
      return [...parts, { type: "problem", detail: content.detail, willRetry: content.willRetry }];
    case "ToolCall":
      return withTool(parts, content.callId, at, {
        tool: content.tool,
        server: content.server,
        input: content.input,
      });
    case "ToolResult":
      return withTool(parts, content.callId, at, { ok: content.ok, output: content.output, endedAt: at });
    case "CommandRun": {
      const { command, cwd, exitCode, output } = content;
      const ok = exitCode === null ? null : exitCode === 0;
      return withTool(parts, content.callId, at, { command, cwd, exitCode, output, ok, endedAt: at });
    }
    case "FilesChanged":
      return withTool(parts, content.callId, at, { changes: content.changes, endedAt: at });
  }
}

function withDelta(parts: readonly Part[], delta: string): readonly Part[] {
  const last = parts.at(-1);
  if (last?.type === "text" && last.streaming)
    return [...parts.slice(0, -1), { ...last, text: last.text + delta }];
  return [...parts, { type: "text", text: delta, streaming: true }];
}

/** A whole text takes the place of the fragments that announced it. */
function withText(parts: readonly Part[], text: string): readonly Part[] {
  const streaming = parts.findLastIndex((part) => part.type === "text" && part.streaming);
  const whole: Part = { type: "text", text, streaming: false };
  return streaming < 0 ? [...parts, whole] : parts.with(streaming, whole);
}

function withTool(
  parts: readonly Part[],
  callId: string,
  at: number,
  change: Partial<ToolPart>,
): readonly Part[] {
  const place = parts.findIndex((part) => part.type === "tool" && part.callId === callId);
  const known = parts[place];
  if (known?.type === "tool") return parts.with(place, { ...known, ...filled(change, known) });
  const begun: ToolPart = {
    type: "tool",
    callId,
    at,
    tool: change.command ? texts.session.command : change.changes ? texts.session.edit : texts.session.tool,
    server: null,
    input: null,
    command: null,
    cwd: null,
    exitCode: null,
    output: null,
    ok: null,
    changes: [],
    endedAt: null,
  };
  return [...parts, { ...begun, ...change }];
}

/** What a vendor leaves out of a later report does not undo what an earlier one said. */
function filled(change: Partial<ToolPart>, known: ToolPart): Partial<ToolPart> {
  const said = Object.entries(change).filter(([name, value]) => {
    if (value === null || value === undefined) return false;
    return value !== "" || known[name as keyof ToolPart] === null;
  });
  return Object.fromEntries(said);
}

function finished(part: Part): Part {
  return part.type === "text" && part.streaming ? { ...part, streaming: false } : part;
}

function withClosingText(parts: readonly Part[], text: string): readonly Part[] {
  const closing = text.trim();
  if (!closing) return parts;
  const said = parts.some((part) => part.type === "text" && part.text.trim().endsWith(closing));
  return said ? parts : [...parts, { type: "text", text: closing, streaming: false }];
}

/** The message that began what an agent does now, if it was read. */
export function messageOf(turn: TurnEntry, entries: readonly Entry[]): MessageEntry | undefined {
  return entries.find((one) => one.type === "message" && one.key === turn.messageKeys[0]) as
    MessageEntry | undefined;
}
