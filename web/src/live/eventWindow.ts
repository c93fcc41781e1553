import type { SessionEvent } from "./events";

/** How many of the latest events keep their fragments; what fragments say is repeated whole by a later event. */
const FRAGMENTS_KEPT = 400;

/**
 * The latest events of a log, in order and each once, never more than `most`. What is too much goes from the old
 * end, and is there to be asked for again.
 */
export class EventWindow {
  readonly #most: number;
  #events: SessionEvent[] = [];
  #epoch: string | null = null;
  /** Grows with every event that was let go, so that a reader notices that its view of the past is not whole. */
  #dropped = 0;

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

  get first(): string | null {
    return this.#events[0]?.cursor ?? null;
  }

  /** Add an event at the new end; one that is there already is not added twice. Tells whether it was new. */
  append(event: SessionEvent): boolean {
    const epoch = epochOf(event);
    if (this.#epoch !== null && epoch !== this.#epoch) this.#events = [];
    else if (event.offset <= (this.#events.at(-1)?.offset ?? -1)) return false;
    this.#epoch = epoch;
    this.#events.push(event);
    // Not at every event: shortening copies the rest.
    if (this.#events.length > this.#most * 1.1) this.#shorten();
    return true;
  }

  /** Add older events at the old end, of which some may be there already. They stay until newer ones crowd them out. */
  prepend(older: readonly SessionEvent[]): void {
    const first = this.#events[0];
    const fitting = older.filter(
      (event) => !first || (epochOf(event) === this.#epoch && event.offset < first.offset),
    );
    if (!first && fitting[0]) this.#epoch = epochOf(fitting[0]);
    this.#events = [...fitting, ...this.#events];
  }

  clear(): void {
    this.#events = [];
    this.#epoch = null;
  }

  #shorten(): void {
    const whole = this.#events.length;
    const recent = whole - FRAGMENTS_KEPT;
    this.#events = this.#events
      .filter((event, index) => index >= recent || !isFragment(event))
      .slice(-this.#most);
    this.#dropped += whole - this.#events.length;
  }
}

/** Of the log's first epoch: those that go on from it carry on its numbers, and have its name in front. */
function epochOf(event: SessionEvent): string {
  return event.cursor.slice(0, event.cursor.lastIndexOf(":")).split(".", 1)[0] ?? "";
}

function isFragment(event: SessionEvent): boolean {
  return event.__typename === "FrameEvent" && event.transient;
}
