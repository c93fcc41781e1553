import { waitBefore } from "../wire/backoff";
import { askAhead, eventPage, type EventPage } from "./eventPages";
import { SESSION_EVENTS, type SessionEvent, type SessionItem } from "./events";
import type { Live } from "../wire/live";

/** What is known of a log that is followed. */
export interface Following {
  readonly state: "loading" | "ready" | "missing" | "failed";
  readonly message?: string;
  /** Whether there are older events to ask for. */
  readonly hasEarlier: boolean;
  readonly loadingEarlier: boolean;
}

export const NOTHING_YET: Following = { state: "loading", hasEarlier: false, loadingEarlier: false };

export interface Filter {
  agents?: string[];
  kinds?: string[];
  fragments?: boolean;
}

/** What keeps the events of a log, and shows them. */
export interface LogKeeper {
  /** Where to go on from backwards; null from the end. */
  readonly oldest: string | null;
  /** Older events, in order; `before` is where the page ahead of them ends. */
  prepend(events: readonly SessionEvent[], before: string | null): void;
  /** The next event; one that is there already may come again. */
  append(event: SessionEvent): void;
  /** What was kept does not go on: history up to the next event is gone, and older events can be asked for or not. */
  reset(hasEarlier: boolean): void;
  /** All that was missed has come. */
  caughtUp(): void;
  /** What is known has changed. */
  know(change: Partial<Following>): void;
}

interface FollowerOptions {
  readonly filter: Filter;
  /** How many events the first page has: what fills a screen, where that is to come before all else. */
  readonly firstPage?: number;
}

const PAGE = 100;

const pageOf = (session: string, before: string | null, filter: Filter, last = PAGE) => ({
  session,
  last,
  before,
  filter,
});

/** Ask for what following a log begins with, before there is anything to show it. */
export const askForEnd = (live: Live, session: string, { filter, firstPage }: FollowerOptions): void =>
  askAhead(live, pageOf(session, null, filter, firstPage));

/**
 * Follows the end of one log: the latest page first, then each event as it comes, and older pages when they are asked
 * for. After a reconnect it goes on behind the last event that came: nothing twice, nothing left out.
 */
export class LogFollower {
  readonly #live: Live;
  readonly #session: string;
  readonly #keeper: LogKeeper;
  readonly #options: FollowerOptions;
  #after: string | null = null;
  #known: Following = NOTHING_YET;
  #stop: (() => void) | null = null;
  /** The page of older events that is on its way. */
  #older: Promise<void> | null = null;
  /** How often reading one has failed since one was read. */
  #failures = 0;
  #closed = false;

  constructor(live: Live, session: string, keeper: LogKeeper, options: FollowerOptions) {
    this.#live = live;
    this.#session = session;
    this.#keeper = keeper;
    this.#options = options;
  }

  /** Whether there are older events that can be asked for. */
  get hasEarlier(): boolean {
    return this.#known.hasEarlier && !this.#closed;
  }

  /** Read the latest page, as often as it takes, and follow what comes behind it. */
  async open(): Promise<void> {
    let page = await this.#page(null, this.#options.firstPage);
    for (let attempt = 0; page.state !== "ready"; attempt += 1) {
      this.#know({ state: page.state, message: page.message });
      if (page.state === "missing") return;
      await waitBefore(attempt);
      if (this.#closed) return;
      page = await this.#page(null, this.#options.firstPage);
    }
    if (this.#closed) return;
    this.#keeper.prepend(page.events, page.before);
    this.#after = page.head;
    this.#know({ state: "ready", hasEarlier: page.hasEarlier });
    const variables = () => ({ session: this.#session, after: this.#after, filter: this.#options.filter });
    this.#stop = this.#live.subscribe(SESSION_EVENTS, variables, {
      next: ({ sessionEvents }) => {
        if (this.#known.state === "failed") this.#know({ state: "ready" });
        this.#hear(sessionEvents);
      },
      failed: (message) => this.#know({ state: "failed", message }),
    });
  }

  /** Follow no longer. */
  close(): void {
    this.#closed = true;
    this.#stop?.();
  }

  /**
   * Ask for a page of older events, or wait for the one that was asked for. Where reading fails this takes longer each
   * time: whoever shows them may ask again at once.
   */
  async loadEarlier(): Promise<void> {
    if (!this.hasEarlier) return;
    this.#older ??= this.#readEarlier().finally(() => (this.#older = null));
    await this.#older;
  }

  async #readEarlier(): Promise<void> {
    this.#know({ loadingEarlier: true });
    const oldest = this.#keeper.oldest;
    const page = await this.#page(oldest);
    // The keeper has begun elsewhere meanwhile: these events do not join on to what it has.
    if (this.#keeper.oldest !== oldest) {
      this.#know({ loadingEarlier: false });
      return;
    }
    if (page.state === "ready") {
      this.#failures = 0;
      this.#keeper.prepend(page.events, page.before);
      this.#know({ loadingEarlier: false, hasEarlier: page.hasEarlier });
      return;
    }
    await waitBefore(this.#failures++);
    this.#know({ loadingEarlier: false });
  }

  /** The keeper begins at another place of the log now, where there are older events or not. */
  beginElsewhere({ hasEarlier }: { hasEarlier: boolean }): void {
    this.#know({ hasEarlier });
  }

  #page(before: string | null, last?: number): Promise<EventPage> {
    return eventPage(this.#live, pageOf(this.#session, before, this.#options.filter, last));
  }

  #hear(item: SessionItem): void {
    switch (item.__typename) {
      case "Reset":
        this.#known = { ...this.#known, hasEarlier: item.first !== null };
        this.#keeper.reset(this.#known.hasEarlier);
        break;
      case "CaughtUp":
        this.#after = item.head;
        this.#keeper.caughtUp();
        break;
      default:
        this.#after = item.cursor;
        this.#keeper.append(item);
    }
  }

  #know(change: Partial<Following>): void {
    if (this.#closed) return;
    this.#known = { ...this.#known, ...change };
    this.#keeper.know(change);
  }
}
