import type { SessionEvent } from "./events";

/** How many of the latest events keep their fragments; what fragments say is repeated whole by a later event. */
const FRAGMENTS_KEPT = 400;

/** A page of events with the places on both sides of it, where the log goes on. */
export interface Stretch {
  readonly events: readonly SessionEvent[];
  /** Where to read on backwards; null where the log begins. */
  readonly before: string | null;
  /** Where to read on forwards. */
  readonly after: string | null;
}

/**
 * A stretch of a log, in order and each event once, never much more than `most`. At first it is the log's end, which
 * grows; it moves as older or newer events are put to it, and what is too much goes from the other end, where it can be
 * asked for again.
 */
export class EventWindow {
  readonly #most: number;
  #events: SessionEvent[] = [];
  #epoch: string | null = null;
  /** Grows with every event that was let go at the old end, so that a reader notices that its view of the past is not whole. */
  #dropped = 0;
  #before: string | null = null;
  #after: string | null = null;
  #isAtEnd = true;
  /** The newest event of the log that is known of, kept or not. */
  #newest = -1;

  constructor(most: number) {
    this.#most = most;
  }

  get events(): readonly SessionEvent[] {
    return this.#events;
  }

  get dropped(): number {
    return this.#dropped;
  }

  /** Where to go on from. */
  get last(): string | null {
    return this.#events.at(-1)?.cursor ?? null;
  }

  /** Where to read on backwards. */
  get before(): string | null {
    return this.#before ?? this.#events[0]?.cursor ?? null;
  }

  /** Where to read on forwards; null at the end of the log. */
  get after(): string | null {
    return this.#isAtEnd ? null : (this.#after ?? this.last);
  }

  /** Whether what happens next belongs behind the last event. */
  get isAtEnd(): boolean {
    return this.#isAtEnd;
  }

  /** An event that has just happened. Tells whether it was not known of. Away from the end it is not kept. */
  append(event: SessionEvent): boolean {
    const epoch = epochOf(event.cursor);
    if (this.#epoch !== null && epoch !== this.#epoch) this.clear();
    else if (event.offset <= this.#newest) return false;
    this.#epoch = epoch;
    this.#newest = event.offset;
    if (!this.#isAtEnd) return true;
    this.#events.push(event);
    // Not at every event: shortening copies the rest.
    if (this.#events.length > this.#most * 1.1) this.#shorten();
    return true;
  }

  /** Add older events at the old end, of which some may be there already. `before`: where the log goes on ahead of them. */
  prepend(older: readonly SessionEvent[], before: string | null = null): void {
    const first = this.#events[0];
    const fitting = older.filter(
      (event) => !first || (epochOf(event.cursor) === this.#epoch && event.offset < first.offset),
    );
    if (!first && fitting[0]) this.#epoch = epochOf(fitting[0].cursor);
    this.#events = [...fitting, ...this.#events];
    this.#before = before;
    this.#know(this.#events.at(-1));
    if (this.#events.length <= this.#most * 1.1) return;
    this.#events = this.#events.slice(0, this.#most);
    this.#isAtEnd = false;
    this.#after = null;
  }

  /** Add newer events behind the last one. `after`: where the log goes on; `head`: its end as it was read. */
  extend(newer: readonly SessionEvent[], { after, head }: { after: string; head: string }): void {
    const last = this.#events.at(-1)?.offset ?? -1;
    this.#events = [...this.#events, ...newer.filter((event) => event.offset > last)];
    this.#after = after;
    this.#know(this.#events.at(-1));
    this.#isAtEnd = offsetOf(after) >= Math.max(this.#newest, offsetOf(head));
    if (this.#events.length > this.#most * 1.1) this.#shorten();
  }

  /** Be another stretch of the same log. */
  move({ events, before, after }: Stretch, head: string): void {
    this.#events = [...events];
    this.#epoch = events[0] ? epochOf(events[0].cursor) : this.#epoch;
    this.#before = before;
    this.#after = after;
    this.#know(events.at(-1));
    this.#isAtEnd = after === null || offsetOf(after) >= Math.max(this.#newest, offsetOf(head));
  }

  clear(): void {
    this.#events = [];
    this.#epoch = null;
    this.#before = null;
    this.#after = null;
    this.#isAtEnd = true;
    this.#newest = -1;
  }

  #know(event: SessionEvent | undefined): void {
    if (event) this.#newest = Math.max(this.#newest, event.offset);
  }

  #shorten(): void {
    const whole = this.#events.length;
    const recent = whole - FRAGMENTS_KEPT;
    this.#events = this.#events
      .filter((event, index) => index >= recent || !isFragment(event))
      .slice(-this.#most);
    this.#before = null;
    this.#dropped += whole - this.#events.length;
  }
}

/** Of the log's first epoch: those that go on from it carry on its numbers, and have its name in front. */
function epochOf(cursor: string): string {
  return cursor.slice(0, cursor.lastIndexOf(":")).split(".", 1)[0] ?? "";
}

/** The number of a place in its log. */
export const offsetOf = (cursor: string): number => Number(cursor.slice(cursor.lastIndexOf(":") + 1));

function isFragment(event: SessionEvent): boolean {
  return event.__typename === "FrameEvent" && event.transient;
}
