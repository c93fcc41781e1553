import type { EventOf } from "~/live/log/events";

type Message = EventOf<"MessageEvent">;
type Change = Extract<
  EventOf<"FrameEvent">["contents"][number],
  { __typename: "FilesChanged" }
>["changes"][number];

export type FileChange = Change;

/** How far a message got with one recipient; each step with its time. */
export interface Delivery {
  readonly agent: string;
  readonly name: string;
  readonly state: string;
  readonly because: string | null;
  readonly reason: string | null;
  readonly steps: readonly { readonly state: string; readonly at: number }[];
}

/** Who said what to whom. */
export interface MessageEntry {
  readonly type: "message";
  readonly key: string;
  /** Where it begins in the log. */
  readonly cursor: string;
  readonly at: number;
  readonly from: Message["sender"];
  readonly to: string;
  readonly text: string;
  readonly mode: Message["mode"];
  readonly thread: string | null;
  readonly deliveries: readonly Delivery[];
}

/** A tool's use: what was asked, and what came of it. */
export interface ToolPart {
  readonly type: "tool";
  readonly callId: string;
  readonly at: number;
  readonly tool: string;
  readonly server: string | null;
  readonly input: unknown;
  readonly command: string | null;
  readonly cwd: string | null;
  readonly exitCode: number | null;
  readonly output: string | null;
  readonly ok: boolean | null;
  readonly changes: readonly FileChange[];
  readonly endedAt: number | null;
}

/** One thing that an agent means to do. */
export interface PlanStep {
  readonly text: string;
  readonly state: string;
}

export type Part =
  | { readonly type: "text"; readonly text: string; readonly streaming: boolean }
  | { readonly type: "thought"; readonly text: string; readonly streaming: boolean }
  | { readonly type: "plan"; readonly steps: readonly PlanStep[] }
  | { readonly type: "problem"; readonly detail: string; readonly willRetry: boolean }
  | ToolPart;

/** What an agent did in one turn; `turn` is null for what it said outside of one. */
export interface TurnEntry {
  readonly type: "turn";
  readonly key: string;
  readonly cursor: string;
  readonly at: number;
  readonly agent: string;
  readonly name: string;
  readonly turn: string | null;
  /** Its start was not read. */
  readonly torn: boolean;
  /** When what was read of it ends, where more of it lies behind; null where all of it was read. */
  readonly cutAt: number | null;
  readonly messageKeys: readonly string[];
  readonly parts: readonly Part[];
  readonly endedAt: number | null;
  readonly outcome: string | null;
  readonly reason: string | null;
}

/** Something that happened to an agent or a machine. */
export interface NoticeEntry {
  readonly type: "notice";
  readonly key: string;
  readonly cursor: string;
  readonly at: number;
  readonly name: string | null;
  readonly words: string;
  readonly tone: "quiet" | "warn" | "bad";
  /** Of what an agent asks: whether it waits for the answer from here on, or no longer. */
  readonly asked: { readonly approval: string; readonly waits: boolean } | null;
}

export type Entry = MessageEntry | TurnEntry | NoticeEntry;
