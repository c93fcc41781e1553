import { EVENTS_PAGE, SESSION_EVENTS, type SessionEvent, type SessionItem } from "~/live/events";
import { said } from "~/live/http";
import type { Live } from "~/live/live";
import { Store, type Readable } from "~/live/store";
import { lineOf, type LogLine } from "./model/lines";
import { TailBuffer } from "./model/tailBuffer";

export interface TailState {
  readonly state: "loading" | "ready" | "missing" | "failed";
  readonly message?: string;
  /** Changes with the lines of the buffer. */
  readonly version: number;
  readonly hasEarlier: boolean;
  readonly loadingEarlier: boolean;
  /** History between the lines before and those that follow is gone. */
  readonly gap: boolean;
}

export const MOST_LINES = 100_000;
const PAGE = 75;
/** Drawing follows the log this often; the pictures between are for scrolling. */
const SHOW_MS = 100;
const FILTER = { fragments: false };

/**
 * The end of a session's log as lines, followed live: far more of them than a conversation holds, and only what a
 * line shows. After a reconnect it goes on where it stopped.
 */
export class LogTail {
  readonly buffer = new TailBuffer<LogLine>(MOST_LINES);
  readonly #live: Live;
  readonly #session: string;
  readonly #state = new Store<TailState>({
    state: "loading",
    version: 0,
    hasEarlier: false,
    loadingEarlier: false,
    gap: false,
  });
  #after: string | null = null;
  #stop: (() => void) | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(live: Live, session: string) {
    this.#live = live;
    this.#session = session;
    void this.#open();
  }

  get state(): Readable<TailState> {
    return this.#state;
  }

  /** Follow no longer. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#stop?.();
  }

  /** Ask for older lines. */
  async loadEarlier(): Promise<void> {
    const state = this.#state.get();
    if (state.loadingEarlier || !state.hasEarlier) return;
    this.#change({ loadingEarlier: true });
    const page = await this.#page(this.buffer.at(0)?.cursor ?? null);
    if (page) this.buffer.prepend(page.lines);
    this.#change({ loadingEarlier: false, ...(page && { hasEarlier: page.hasEarlier }) });
  }

  async #open(): Promise<void> {
    const page = await this.#page(null);
    if (!page || this.#closed) return;
    this.buffer.prepend(page.lines);
    this.#after = page.head;
    this.#change({ state: "ready", hasEarlier: page.hasEarlier });
    const variables = () => ({ session: this.#session, after: this.#after, filter: FILTER });
    this.#stop = this.#live.subscribe(SESSION_EVENTS, variables, {
      next: ({ sessionEvents }) => this.#hear(sessionEvents),
      failed: (message) => this.#change({ state: "failed", message }),
    });
  }

  async #page(before: string | null) {
    const variables = { session: this.#session, last: PAGE, before, filter: FILTER };
    const { data, error } = await this.#live.queries
      .query(EVENTS_PAGE, variables, { requestPolicy: "network-only" })
      .toPromise();
    if (data?.session) {
      const { nodes, pageInfo, head } = data.session.events;
      return { lines: nodes.map(lineOf), hasEarlier: pageInfo.hasPreviousPage, head };
    }
    if (this.#state.get().state === "loading")
      this.#change(
        data
          ? { state: "missing", message: "There is no such session, or you may not see it." }
          : { state: "failed", message: said(error) },
      );
    return null;
  }

  #hear(item: SessionItem): void {
    if (item.__typename === "CaughtUp") this.#after = item.head;
    else if (item.__typename === "Reset") this.#reset();
    else this.#take(item);
  }

  #take(event: SessionEvent): void {
    this.#after = event.cursor;
    if (this.buffer.append(lineOf(event))) this.#showSoon();
  }

  #reset(): void {
    const had = this.buffer.length > 0;
    this.buffer.clear();
    this.#change({ gap: had, hasEarlier: false });
  }

  #showSoon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#change({});
    }, SHOW_MS);
  }

  #change(change: Partial<TailState>): void {
    if (this.#closed) return;
    this.#state.update((state) => ({ ...state, ...change, version: state.version + 1 }));
  }
}
