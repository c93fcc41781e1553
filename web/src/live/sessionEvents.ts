import type { Connection } from "./connection";
import type { Live } from "./live";
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
import { notify } from "./notices";
import { Store, type Readable } from "./store";

/** What a reader sees of a session's log. `version` changes with every change of `events`. */
export interface Tail extends Following {
  readonly version: number;
  readonly events: readonly SessionEvent[];
}

export interface TailOptions {
  readonly filter?: Filter;
  /** How many events are kept; older ones can be asked for again. */
  readonly most?: number;
  /** How many are there to begin with; the latest page of them is shown first. */
  readonly initial?: number;
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
 * The end of a session's log, followed live. After a reconnect it goes on where it stopped, says how much that was, and
 * when history is gone from the broker that is said.
 */
export class SessionEvents implements LogKeeper {
  readonly #live: Live;
  readonly #options: Required<TailOptions>;
  readonly #window: EventWindow;
  readonly #follower: LogFollower;
  readonly #tail = new Store<Tail>({ ...NOTHING_YET, version: 0, events: [] });
  #replayed = 0;
  #caughtUpOnce = false;
  /** The connection, as its truth tells it, that has delivered all that was missed. */
  #caughtUpOn: Connection | null = null;
  #scheduled = false;
  #closed = false;

  constructor(live: Live, session: string, options: TailOptions = {}) {
    this.#live = live;
    this.#options = { filter: {}, most: 5000, initial: 400, schedule: nextFrame, ...options };
    this.#window = new EventWindow(this.#options.most);
    this.#follower = new LogFollower(live, session, this, { filter: this.#options.filter });
    void this.#open();
  }

  get tail(): Readable<Tail> {
    return this.#tail;
  }

  get oldest(): string | null {
    return this.#window.first;
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

  prepend(events: readonly SessionEvent[]): void {
    this.#window.prepend(events);
  }

  append(event: SessionEvent): void {
    if (!this.#window.append(event)) return;
    if (!this.#isCaughtUp()) this.#replayed += 1;
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
    this.#publish(change);
  }

  async #open(): Promise<void> {
    await this.#follower.open();
    while (this.#follower.hasEarlier && this.#window.events.length < this.#options.initial)
      await this.loadEarlier();
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
    this.#tail.set({ ...tail, ...change, version: tail.version + 1, events: [...this.#window.events] });
  }
}
