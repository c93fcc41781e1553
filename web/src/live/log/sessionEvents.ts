import type { Connection } from "../wire/connection";
import { eventPage, type EventPage } from "./eventPages";
import { eventAt, eventsAfter, eventsAround } from "./farPages";
import type { Live } from "../wire/live";
import type { SessionEvent } from "./events";
import { EventWindow } from "./eventWindow";
import {
  LogFollower,
  NOTHING_YET,
  askForEnd as askForEndOf,
  type Filter,
  type Following,
  type LogKeeper,
} from "./logFollower";
import { notify } from "../notices";
import { Store, type Readable } from "../wire/store";

/** What a reader sees of a session's log. `version` changes with every change of `events`. */
export interface Tail extends Following {
  readonly version: number;
  readonly events: readonly SessionEvent[];
  /** Whether there are newer events than those that are kept: the reader is in the past. */
  readonly hasLater: boolean;
  readonly loadingLater: boolean;
  /** How many messages and turns began since the log was opened. */
  readonly arrived: number;
}

export interface TailOptions {
  readonly filter?: Filter;
  /** How many events are kept; others can be asked for again. */
  readonly most?: number;
  /** How many are there to begin with; the latest page of them is shown first. */
  readonly initial?: number;
  /** The place to open at rather than the end; `missing` is told why it cannot. */
  readonly at?: { readonly cursor: string; readonly missing: (why: string) => void } | undefined;
  /** When to show what has come: once for each picture the screen shows. */
  readonly schedule?: (show: () => void) => void;
}

const HIDDEN_MS = 500;

/** Ask for what following a session begins with, before there is anything to show it. */
export const askForEnd = (live: Live, session: string): void => askForEndOf(live, session, { filter: {} });

/** A hidden page draws nothing, and its frames do not come; it is brought up to date now and then all the same. */
function nextFrame(show: () => void): void {
  if (document.visibilityState === "visible") requestAnimationFrame(show);
  else setTimeout(show, HIDDEN_MS);
}

/**
 * A stretch of a session's log: its end, followed live, or any other, to which what lies on both sides is added on
 * demand. After a reconnect it goes on where it stopped, says how much that was, and when history is gone from the broker
 * that is said.
 */
export class SessionEvents implements LogKeeper {
  readonly #live: Live;
  readonly #session: string;
  readonly #options: Required<Omit<TailOptions, "at">>;
  readonly #window: EventWindow;
  readonly #follower: LogFollower;
  readonly #tail = new Store<Tail>({
    ...NOTHING_YET,
    version: 0,
    events: [],
    hasLater: false,
    loadingLater: false,
    arrived: 0,
  });
  #arrived = 0;
  #replayed = 0;
  #caughtUpOnce = false;
  /** The connection, as its truth tells it, that has delivered all that was missed. */
  #caughtUpOn: Connection | null = null;
  #scheduled = false;
  #closed = false;
  /** What is shown is on its way: the end, which is read first, is not it. */
  #opening: boolean;
  #dropped = 0;
  /** Counts the places that were gone to: what an earlier wish still brings is not shown. */
  #wishes = 0;

  constructor(live: Live, session: string, { at, ...options }: TailOptions = {}) {
    this.#live = live;
    this.#session = session;
    this.#options = { filter: {}, most: 3000, initial: 200, schedule: nextFrame, ...options };
    this.#window = new EventWindow(this.#options.most);
    this.#follower = new LogFollower(live, session, this, { filter: this.#options.filter });
    this.#opening = at !== undefined;
    void this.#open(at);
  }

  get tail(): Readable<Tail> {
    return this.#tail;
  }

  get oldest(): string | null {
    return this.#window.before;
  }

  /** Follow no longer. */
  close(): void {
    this.#closed = true;
    this.#follower.close();
  }

  /** Ask for older events. */
  loadEarlier(): Promise<void> {
    return this.#follower.loadEarlier();
  }

  /** Ask for newer events, where those that are kept do not reach to the end. */
  async loadLater(): Promise<void> {
    const after = this.#window.after;
    if (after === null || this.#tail.get().loadingLater) return;
    this.#publish({ loadingLater: true });
    const page = await eventsAfter(this.#live, this.#session, after);
    if (page.state === "ready" && page.after !== null && this.#window.after === after) {
      this.#window.extend(page.events, { after: page.after, head: page.head });
      this.#noteDropped();
    }
    this.#publish({ loadingLater: false });
  }

  /** Be at an event, with what is on both sides of it; tells why it is not there. */
  goTo(cursor: string): Promise<string | null> {
    return this.#move(() => eventsAround(this.#live, this.#session, cursor));
  }

  /** Be at what was logged at a time. */
  async goToTime(at: Date): Promise<{ readonly cursor: string | null; readonly problem: string | null }> {
    const cursor = await eventAt(this.#live, this.#session, at);
    return { cursor, problem: await (cursor === null ? this.goToEnd() : this.goTo(cursor)) };
  }

  /** Be at the end again, and follow it. */
  async goToEnd(): Promise<string | null> {
    if (this.#window.isAtEnd) return null;
    const filter = this.#options.filter;
    const asked = { session: this.#session, last: 100, before: null, filter };
    const problem = await this.#move(async () => {
      const page = await eventPage(this.#live, asked);
      // Behind its last event there may be fragments, which no page has.
      return page.state === "ready" ? { ...page, after: page.head } : page;
    });
    // What happened while it was on its way was not kept.
    const wish = this.#wishes;
    for (let after = this.#window.after; after !== null && wish === this.#wishes;) {
      await this.loadLater();
      if (this.#window.after === after) break;
      after = this.#window.after;
    }
    return problem;
  }

  prepend(events: readonly SessionEvent[], before: string | null): void {
    this.#window.prepend(events, before);
  }

  append(event: SessionEvent): void {
    if (!this.#window.append(event)) return;
    if (!this.#isCaughtUp()) this.#replayed += 1;
    if (event.__typename === "MessageEvent" || (event.__typename === "TurnEvent" && event.started))
      this.#arrived += 1;
    this.#noteDropped();
    this.#show();
  }

  reset(hasEarlier: boolean): void {
    // The very first page was asked for moments ago: only a reader who had more has lost something.
    if (this.#caughtUpOnce) notify({ type: "gap" });
    this.#window.clear();
    this.#tail.set({ ...this.#tail.get(), hasEarlier });
    this.#show();
  }

  caughtUp(): void {
    if (this.#caughtUpOnce && this.#replayed > 0) notify({ type: "replayed", count: this.#replayed });
    this.#caughtUpOnce = true;
    this.#replayed = 0;
    this.#caughtUpOn = this.#live.connection.state.get();
  }

  know(change: Partial<Following>): void {
    this.#publish(this.#opening && change.state === "ready" ? { ...change, state: "loading" } : change);
  }

  async #open(at: TailOptions["at"]): Promise<void> {
    await this.#follower.open();
    if (at && this.#tail.get().state === "loading") {
      const problem = await this.goTo(at.cursor);
      this.#opening = false;
      this.#publish({ state: "ready" });
      if (problem === null) return;
      at.missing(problem);
    }
    const wish = this.#wishes;
    while (
      wish === this.#wishes &&
      this.#follower.hasEarlier &&
      this.#window.events.length < this.#options.initial
    )
      await this.loadEarlier();
  }

  async #move(ask: () => Promise<EventPage>): Promise<string | null> {
    const wish = (this.#wishes += 1);
    const page = await ask();
    if (this.#closed || wish !== this.#wishes) return null;
    if (page.state !== "ready") return page.message;
    this.#window.move(page, page.head);
    this.#follower.beginElsewhere({ hasEarlier: page.hasEarlier });
    return null;
  }

  /** What the window let go at its old end can be asked for again. */
  #noteDropped(): void {
    if (this.#window.dropped === this.#dropped) return;
    this.#dropped = this.#window.dropped;
    this.#follower.beginElsewhere({ hasEarlier: true });
  }

  /** Whether the present connection has delivered all that was missed. */
  #isCaughtUp(): boolean {
    return this.#caughtUpOn === this.#live.connection.state.get();
  }

  #show(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#options.schedule(() => {
      this.#scheduled = false;
      this.#publish({});
    });
  }

  #publish(change: Partial<Tail>): void {
    if (this.#closed) return;
    const tail = this.#tail.get();
    // The window's own array is changed in place: readers get one that stays as it is.
    this.#tail.set({
      ...tail,
      ...change,
      version: tail.version + 1,
      events: this.#opening ? [] : [...this.#window.events],
      hasLater: !this.#window.isAtEnd,
      arrived: this.#arrived,
    });
  }
}
