import { freshKey, NO_ANSWER, type Done } from "./act";

export type Mode = "WAIT" | "STEER" | "INTERRUPT";

/** A message as it left the composer: `typed` is what the box held, address and all. */
export interface Message {
  readonly typed: string;
  readonly session: string;
  readonly to: string;
  readonly text: string;
  readonly mode: Mode;
}

/** What goes back into the box: every message that is not sent, in the order they were typed. */
export interface Unsent {
  readonly typed: string;
  readonly mode: Mode;
  readonly why: string;
}

type Deliver = (message: Message, key: string) => Promise<Done<unknown>>;

/**
 * Sends one message after the other, so that agents get them in the order they were typed; the person types on
 * meanwhile. When one is refused, it and those behind it come back through `restore`.
 */
export class Outgoing {
  private readonly waiting: Message[] = [];
  /** The message that got no answer: repeated unchanged, it keeps its key and arrives at most once. */
  private unanswered: { typed: string; key: string } | undefined;
  private running = false;

  private readonly deliver: Deliver;
  private readonly restore: (unsent: Unsent) => void;
  private readonly onBusy: (busy: boolean) => void;

  constructor(deliver: Deliver, restore: (unsent: Unsent) => void, onBusy: (busy: boolean) => void) {
    this.deliver = deliver;
    this.restore = restore;
    this.onBusy = onBusy;
  }

  send(message: Message): void {
    this.waiting.push(message);
    if (!this.running) void this.run();
  }

  private async run(): Promise<void> {
    this.running = true;
    this.onBusy(true);
    for (let next = this.waiting[0]; next; next = this.waiting[0]) {
      const key = this.unanswered?.typed === next.typed ? this.unanswered.key : freshKey();
      const done = await this.deliver(next, key);
      this.unanswered = undefined;
      if (done.done) {
        this.waiting.shift();
        continue;
      }
      if (done.code === NO_ANSWER) this.unanswered = { typed: next.typed, key };
      const unsent = this.waiting.splice(0);
      this.restore({
        typed: unsent.map((message) => message.typed).join("\n"),
        mode: next.mode,
        why: done.message,
      });
    }
    this.running = false;
    this.onBusy(false);
  }
}
