import type { SessionEvent } from "~/live/log/events";
import type { Live } from "~/live/wire/live";
import {
  LogFollower,
  NOTHING_YET,
  askForEnd as askForEndOf,
  type Following,
  type LogKeeper,
} from "~/live/log/logFollower";
import { Store, type Readable } from "~/live/wire/store";
import { QUIET_KINDS } from "./model/conditions";
import { lineOf, type LogLine } from "./model/lines";
import { matching } from "./model/only";
import { TailBuffer } from "./model/tailBuffer";

export interface TailState extends Following {
  /** Changes with the lines of the buffer. */
  readonly version: number;
  /** History between the lines before and those that follow is gone. */
  readonly gap: boolean;
}

export const MOST_LINES = 100_000;
/** Lines to begin with, and the pages that are read for them at most: a page may have little that is shown. */
const FIRST_LINES = 100;
const FIRST_PAGES = 6;
/** Drawing follows the log this often; the pictures between are for scrolling. */
const SHOW_MS = 200;
/** What fills a screen comes first, and alone. */
const OPTIONS = { filter: { fragments: false }, firstPage: 30 };

/** Ask for what following a log begins with, before there is anything to show it. */
export const askForEnd = (live: Live, session: string): void => askForEndOf(live, session, OPTIONS);

/**
 * The end of a session's log as lines, followed live: far more of them than a conversation holds, and only what a
 * line shows.
 */
export class LogTail implements LogKeeper {
  readonly buffer = new TailBuffer<LogLine>(MOST_LINES);
  readonly #all: boolean;
  readonly #only: (line: LogLine) => boolean;
  readonly #follower: LogFollower;
  readonly #state = new Store<TailState>({ ...NOTHING_YET, version: 0, gap: false });
  /** The oldest event that was read, shown or not. */
  #first: string | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  /** `all`: with the lines that only say how things went their way. `only`: what lines must have in them. */
  constructor(live: Live, session: string, { all, only }: { all: boolean; only: string }) {
    this.#all = all;
    this.#only = matching(only);
    this.#follower = new LogFollower(live, session, this, OPTIONS);
    void this.#open();
  }

  get state(): Readable<TailState> {
    return this.#state;
  }

  get oldest(): string | null {
    return this.#first;
  }

  /** Follow no longer. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#follower.close();
  }

  /** Ask for older lines. */
  loadEarlier(): Promise<void> {
    return this.#follower.loadEarlier();
  }

  prepend(events: readonly SessionEvent[], before: string | null): void {
    this.#first = before ?? events[0]?.cursor ?? this.#first;
    this.buffer.prepend(events.map(lineOf).filter((line) => this.#shows(line)));
  }

  append(event: SessionEvent): void {
    this.#first ??= event.cursor;
    const line = lineOf(event);
    if (this.#shows(line) && this.buffer.append(line)) this.#showSoon();
  }

  reset(hasEarlier: boolean): void {
    const had = this.buffer.length > 0;
    this.buffer.clear();
    this.#first = null;
    this.#change({ gap: had, hasEarlier });
  }

  caughtUp(): void {
    // Lines that were missed stand among the others; how many they were is told where the conversation is.
  }

  know(change: Partial<Following>): void {
    this.#change(change);
  }

  async #open(): Promise<void> {
    await this.#follower.open();
    for (let pages = 1; pages < FIRST_PAGES && this.buffer.length < FIRST_LINES; pages += 1)
      await this.loadEarlier();
  }

  #shows(line: LogLine): boolean {
    return (this.#all || !QUIET_KINDS.includes(line.kind)) && this.#only(line);
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
