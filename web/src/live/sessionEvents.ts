import type { Connection } from "./connection";
import type { Live } from "./live";
import { askAhead, eventPage, type EventPage } from "./eventPages";
import { SESSION_EVENTS, type SessionEvent, type SessionItem } from "./events";
import { EventWindow } from "./eventWindow";
import { notify } from "./notices";
import { Store, type Readable } from "./store";

/** What a reader sees of a session's log. `version` changes with every change of `events`. */
export interface Tail {
  readonly state: "loading" | "ready" | "missing" | "failed";
  readonly message?: string;
  readonly version: number;
  readonly events: readonly SessionEvent[];
  /** Whether there are older ones to ask for. */
  readonly hasEarlier: boolean;
  readonly loadingEarlier: boolean;
}

export interface TailOptions {
  readonly filter?: { agents?: string[]; kinds?: string[]; fragments?: boolean };
  /** How many events are kept; older ones can be asked for again. */
  readonly most?: number;
  /** How many are there to begin with; the latest page of them is shown first. */
  readonly initial?: number;
  /** When to show what has come: once for each picture the screen shows. */
  readonly schedule?: (show: () => void) => void;
}

const HIDDEN_MS = 500;
const PAGE = 100;

const pageOf = (session: string, before: string | null, filter: TailOptions["filter"] = {}) => ({
  session,
  last: PAGE,
  before,
  filter,
});

/** Ask for what following a session begins with, before there is anything to show it. */
export const askForEnd = (live: Live, session: string): void => askAhead(live, pageOf(session, null));

/** A hidden page draws nothing, and its frames do not come; it is brought up to date now and then all the same. */
function nextFrame(show: () => void): void {
  if (document.visibilityState === "visible") requestAnimationFrame(show);
  else setTimeout(show, HIDDEN_MS);
}

/**
 * The end of a session's log, followed live. After a reconnect it goes on where it stopped: nothing twice, nothing
 * left out, and when history is gone from the broker that is said.
 */
export class SessionEvents {
  readonly #live: Live;
  readonly #session: string;
  readonly #options: Required<TailOptions>;
  readonly #window: EventWindow;
  readonly #tail = new Store<Tail>({
    state: "loading",
    version: 0,
    events: [],
    hasEarlier: false,
    loadingEarlier: false,
  });
  #after: string | null = null;
  #replayed = 0;
  #caughtUpOnce = false;
  /** The connection, as its truth tells it, that has delivered all that was missed. */
  #caughtUpOn: Connection | null = null;
  #scheduled = false;
  #stop: (() => void) | null = null;
  #closed = false;

  constructor(live: Live, session: string, options: TailOptions = {}) {
    this.#live = live;
    this.#session = session;
    this.#options = { filter: {}, most: 5000, initial: 400, schedule: nextFrame, ...options };
    this.#window = new EventWindow(this.#options.most);
    void this.#open();
  }

  get tail(): Readable<Tail> {
    return this.#tail;
  }

  /** Follow no longer. */
  close(): void {
    this.#closed = true;
    this.#stop?.();
  }

  /** Ask for older events. */
  async loadEarlier(): Promise<void> {
    const tail = this.#tail.get();
    if (tail.loadingEarlier || !tail.hasEarlier) return;
    this.#tail.set({ ...tail, loadingEarlier: true });
    const page = await this.#page(this.#window.first);
    if (page.state === "ready") this.#window.prepend(page.events);
    // One that failed can be asked for again, but not by itself.
    this.#publish({ loadingEarlier: false, hasEarlier: page.state === "ready" && page.hasEarlier });
  }

  async #open(): Promise<void> {
    const page = await this.#page(null);
    if (this.#closed) return;
    if (page.state !== "ready") {
      this.#publish({ state: page.state, message: page.message });
      return;
    }
    this.#window.prepend(page.events);
    this.#after = page.head;
    this.#publish({ state: "ready", hasEarlier: page.hasEarlier });
    const variables = () => ({ session: this.#session, after: this.#after, filter: this.#options.filter });
    this.#stop = this.#live.subscribe(SESSION_EVENTS, variables, {
      next: ({ sessionEvents }) => this.#hear(sessionEvents),
      failed: (message) => this.#publish({ state: "failed", message }),
    });
    while (this.#tail.get().hasEarlier && this.#window.events.length < this.#options.initial)
      await this.loadEarlier();
  }

  #page(before: string | null): Promise<EventPage> {
    return eventPage(this.#live, pageOf(this.#session, before, this.#options.filter));
  }

  #hear(item: SessionItem): void {
    switch (item.__typename) {
      case "Reset":
        // The very first page was asked for moments ago: only a reader who had more has lost something.
        if (this.#caughtUpOnce) notify({ type: "gap" });
        this.#window.clear();
        this.#show({ hasEarlier: item.first !== null });
        break;
      case "CaughtUp":
        if (this.#caughtUpOnce && this.#replayed > 0) notify({ type: "replayed", count: this.#replayed });
        this.#caughtUpOnce = true;
        this.#replayed = 0;
        this.#after = item.head;
        this.#caughtUpOn = this.#live.connection.state.get();
        break;
      default:
        this.#take(item);
    }
  }

  #take(event: SessionEvent): void {
    this.#after = event.cursor;
    if (!this.#window.append(event)) return;
    if (!this.#isCaughtUp()) this.#replayed += 1;
    this.#show({});
  }

  /** Whether the present connection has delivered all that was missed. */
  #isCaughtUp(): boolean {
    return this.#caughtUpOn === this.#live.connection.state.get();
  }

  #show(change: Partial<Tail>): void {
    if (Object.keys(change).length > 0) this.#tail.set({ ...this.#tail.get(), ...change });
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
    this.#tail.set({ ...tail, ...change, version: tail.version + 1, events: [...this.#window.events] });
  }
}
