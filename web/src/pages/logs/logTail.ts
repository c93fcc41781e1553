import { askAhead, eventPage, type EventPage } from "~/live/eventPages";
import { SESSION_EVENTS, type SessionEvent, type SessionItem } from "~/live/events";
import type { Live } from "~/live/live";
import { Store, type Readable } from "~/live/store";
import { QUIET_KINDS } from "./model/conditions";
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
const PAGE = 100;
/** What fills a screen comes first, and alone. */
const FIRST_PAGE = 30;
/** Lines to begin with, and the pages that are read for them at most: a page may have little that is shown. */
const FIRST_LINES = 100;
const FIRST_PAGES = 6;
/** Drawing follows the log this often; the pictures between are for scrolling. */
const SHOW_MS = 200;
const FILTER = { fragments: false };

type ReadyPage = Extract<EventPage, { state: "ready" }>;

const pageOf = (session: string, before: string | null, last = PAGE) => ({
  session,
  last,
  before,
  filter: FILTER,
});

/** Ask for what following a log begins with, before there is anything to show it. */
export const askForEnd = (live: Live, session: string): void =>
  askAhead(live, pageOf(session, null, FIRST_PAGE));

/**
 * The end of a session's log as lines, followed live: far more of them than a conversation holds, and only what a
 * line shows. After a reconnect it goes on where it stopped.
 */
export class LogTail {
  readonly buffer = new TailBuffer<LogLine>(MOST_LINES);
  readonly #live: Live;
  readonly #session: string;
  readonly #all: boolean;
  readonly #state = new Store<TailState>({
    state: "loading",
    version: 0,
    hasEarlier: false,
    loadingEarlier: false,
    gap: false,
  });
  #after: string | null = null;
  /** The oldest event that was read, shown or not. */
  #first: string | null = null;
  #stop: (() => void) | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  /** `all`: with the lines that only say how things went their way. */
  constructor(live: Live, session: string, { all }: { all: boolean }) {
    this.#live = live;
    this.#session = session;
    this.#all = all;
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
    const page = await this.#page(this.#first);
    if (page) this.#prepend(page);
    this.#change({ loadingEarlier: false, ...(page && { hasEarlier: page.hasEarlier }) });
  }

  #prepend({ events }: ReadyPage): void {
    this.#first = events[0]?.cursor ?? this.#first;
    this.buffer.prepend(events.map(lineOf).filter((line) => this.#shows(line)));
  }

  #shows(line: LogLine): boolean {
    return this.#all || !QUIET_KINDS.includes(line.kind);
  }

  async #open(): Promise<void> {
    const page = await this.#page(null, FIRST_PAGE);
    if (!page || this.#closed) return;
    this.#prepend(page);
    this.#after = page.head;
    this.#change({ state: "ready", hasEarlier: page.hasEarlier });
    const variables = () => ({ session: this.#session, after: this.#after, filter: FILTER });
    this.#stop = this.#live.subscribe(SESSION_EVENTS, variables, {
      next: ({ sessionEvents }) => this.#hear(sessionEvents),
      failed: (message) => this.#change({ state: "failed", message }),
    });
    for (let pages = 1; pages < FIRST_PAGES && this.buffer.length < FIRST_LINES; pages += 1)
      await this.loadEarlier();
  }

  /** What was read; null when it could not be. */
  async #page(before: string | null, last = PAGE): Promise<ReadyPage | null> {
    const page = await eventPage(this.#live, pageOf(this.#session, before, last));
    if (page.state === "ready") return page;
    if (this.#state.get().state === "loading") this.#change(page);
    return null;
  }

  #hear(item: SessionItem): void {
    if (item.__typename === "CaughtUp") this.#after = item.head;
    else if (item.__typename === "Reset") this.#reset();
    else this.#take(item);
  }

  #take(event: SessionEvent): void {
    this.#after = event.cursor;
    const line = lineOf(event);
    if (this.#shows(line) && this.buffer.append(line)) this.#showSoon();
  }

  #reset(): void {
    const had = this.buffer.length > 0;
    this.buffer.clear();
    this.#first = null;
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
