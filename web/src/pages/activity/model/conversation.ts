import type { Content, EventOf, SessionEvent } from "~/live/log/events";
import type { Delivery, Entry, MessageEntry, Part, PlanStep, ToolPart, TurnEntry } from "./entries";
import { noticeOf } from "./notices";
import { isSame } from "./same";
import * as texts from "~/texts";

/** An agent's first words may be logged before the start of the turn they belong to, by so much. */
const EARLY_MS = 5000;

/** Kinds of events after which nothing of a process goes on. */
const PROCESS_OVER = new Set(["agent.failed", "agent.released", "agent.restarting"]);

/**
 * A session's events as people read them: messages, turns and notices, in the order they began. Entries that an
 * event does not concern stay the same objects, so that only what changed is drawn again.
 */
export class Conversation {
  #entries: Entry[] = [];
  readonly #places = new Map<string, number>();
  /** The entry that an agent's frames belong to. */
  readonly #current = new Map<string, string>();
  /** The entry that tells of an event, by the event's offset. */
  readonly #tellers = new Map<number, string>();
  readonly #renamed = new Map<string, string>();

  get entries(): readonly Entry[] {
    return this.#entries;
  }

  add(event: SessionEvent): void {
    const teller = this.#tell(event);
    if (teller !== null) this.#tellers.set(event.offset, teller);
  }

  /** The key of the entry that tells of an event, or else of the next one that any tells of; null when none does. */
  tellerOf(offset: number): string | null {
    const next = this.#tellers.has(offset)
      ? offset
      : [...this.#tellers.keys()].find((place) => place > offset);
    const key = next === undefined ? undefined : this.#tellers.get(next);
    return key === undefined ? null : (this.#renamed.get(key) ?? key);
  }

  #tell(event: SessionEvent): string | null {
    switch (event.__typename) {
      case "MessageEvent":
        this.#message(event);
        return event.messageKey;
      case "ReceiptEvent":
        this.#receipt(event);
        return event.messageKey;
      case "TurnEvent":
        if (event.started) this.#turnStarted(event);
        else this.#turnEnded(event);
        return turnKey(event.agentKey ?? "", event.turn);
      case "FrameEvent":
        return this.#frame(event);
      default: {
        if (event.__typename === "AgentEvent" && PROCESS_OVER.has(event.kind)) this.#cutOff(event);
        const notice = noticeOf(event);
        if (notice) this.#put(notice);
        return notice?.key ?? null;
      }
    }
  }

  /** Where the same is told anew: entries that say what they said are the objects that they were. */
  reuse(told: readonly Entry[]): void {
    const before = new Map(told.map((entry) => [entry.key, entry]));
    this.#entries = this.#entries.map((entry) => {
      const known = before.get(entry.key);
      return known !== undefined && isSame(known, entry) ? known : entry;
    });
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
      cursor: event.cursor,
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
    // An agent's words may tell that it began, before its own report does.
    const known = this.#find("turn", entry.key);
    if (known) this.#put({ ...known, messageKeys: entry.messageKeys });
    else if (said?.turn === null && entry.at - said.at < EARLY_MS)
      this.#replace(said.key, { ...said, ...begun(entry) });
    else this.#put(entry);
    this.#current.set(entry.agent, entry.key);
  }

  #replace(key: string, entry: Entry): void {
    const place = this.#places.get(key);
    this.#places.delete(key);
    if (place !== undefined) this.#places.set(entry.key, place);
    this.#put(entry);
    this.#renamed.set(key, entry.key);
  }

  #turnEnded(event: EventOf<"TurnEvent">): void {
    const agent = event.agentKey ?? "";
    // Its start may lie before what was read.
    const begun = this.#find("turn", turnKey(agent, event.turn)) ?? this.#tornTurn(event);
    this.#put({
      ...begun,
      messageKeys: event.messageKeys.length > 0 ? event.messageKeys : begun.messageKeys,
      parts: withClosingText(ended(begun.parts, event), event.closingText ?? ""),
      endedAt: Date.parse(event.at),
      outcome: event.outcome,
      reason: event.reason,
    });
    this.#current.delete(agent);
  }

  /** A turn of which the end is read first, with what was read of it before. */
  #tornTurn(event: EventOf<"TurnEvent">): TurnEntry {
    const entry = { ...turnEntry(event, event.turn, event.messageKeys), torn: true };
    const current = this.#current.get(entry.agent);
    const said = current === undefined ? null : this.#find("turn", current);
    if (said?.turn !== null) return entry;
    const joined = { ...said, ...begun(entry), torn: true };
    this.#replace(said.key, joined);
    return joined;
  }

  /** A turn ends with the process that it was in, also when nobody was left to say so. */
  #cutOff(event: EventOf<"AgentEvent">): void {
    const agent = event.agentKey ?? "";
    for (const entry of this.#entries)
      if (entry.type === "turn" && entry.agent === agent && entry.endedAt === null)
        this.#put({
          ...entry,
          parts: ended(entry.parts, event),
          endedAt: Date.parse(event.at),
          outcome: "failed",
          reason: event.reason ?? texts.session.processEnded,
        });
    this.#current.delete(agent);
  }

  #frame(event: EventOf<"FrameEvent">): string | null {
    const at = Date.parse(event.at);
    const shown = event.contents.filter(isShown);
    if (shown.length === 0) return this.#current.get(event.agentKey ?? "") ?? null;
    const turn = this.#turnOf(event);
    const parts = shown.reduce((all, content) => withContent(all, content, at), turn.parts);
    this.#put({ ...turn, parts });
    return turn.key;
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
    cursor: event.cursor,
    at: Date.parse(event.at),
    agent,
    name: event.agentName ?? texts.session.anAgent,
    turn,
    torn: false,
    cutAt: null,
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
      return withDelta(parts, "text", content.delta);
    case "TextContent":
      return withWhole(parts, "text", content.text);
    case "ThoughtDelta":
      return withDelta(parts, "thought", content.delta);
    case "Thought":
      return withWhole(parts, "thought", content.text);
    case "PlanContent":
      return withPlan(parts, content.steps);
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

type Spoken = "text" | "thought";

function withDelta(parts: readonly Part[], type: Spoken, delta: string): readonly Part[] {
  const last = parts.at(-1);
  if (last?.type === type && last.streaming)
    return [...parts.slice(0, -1), { ...last, text: last.text + delta }];
  return [...parts, { type, text: delta, streaming: true }];
}

/** A whole text takes the place of the fragments that announced it. */
function withWhole(parts: readonly Part[], type: Spoken, text: string): readonly Part[] {
  const streaming = parts.findLastIndex((part) => part.type === type && part.streaming);
  const whole: Part = { type, text, streaming: false };
  return streaming < 0 ? [...parts, whole] : parts.with(streaming, whole);
}

/** A turn has one plan, where it was told first; it is what was told last. */
function withPlan(parts: readonly Part[], steps: readonly PlanStep[]): readonly Part[] {
  const place = parts.findIndex((part) => part.type === "plan");
  const plan: Part = { type: "plan", steps };
  return place < 0 ? [...parts, plan] : parts.with(place, plan);
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

/** Nothing of a turn goes on behind its end. */
function ended(parts: readonly Part[], event: SessionEvent): readonly Part[] {
  return parts.map((part) => {
    if ((part.type === "text" || part.type === "thought") && part.streaming)
      return { ...part, streaming: false };
    if (part.type === "tool" && part.endedAt === null) return { ...part, endedAt: Date.parse(event.at) };
    return part;
  });
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
