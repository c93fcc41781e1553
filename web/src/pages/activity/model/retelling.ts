import type { SessionEvent } from "~/live/log/events";
import { offsetOf } from "~/live/log/eventWindow";
import type { Tail } from "~/live/log/sessionEvents";
import { Conversation } from "./conversation";
import type { Entry } from "./entries";

/** The stretch of a log that is told, and whether there is more on both sides of it. */
type Told = Pick<Tail, "events" | "hasEarlier" | "hasLater">;

/**
 * A stretch of a log as a conversation. What is added at its end is told by itself, anything else from the beginning; entries
 * that say what they said stay the objects that they were.
 */
export class Retelling {
  #conversation = new Conversation();
  #first: string | undefined;
  #told = 0;
  #lastTold: string | undefined;
  #entries: readonly Entry[] = [];
  #outline: readonly Entry[] = [];
  #reach = "";
  /** The offset of the last event that was told. */
  #last = -1;

  /** The entries as they were when one came, went or changed in more than what its agent does in a turn. */
  get outline(): readonly Entry[] {
    return this.#outline;
  }

  entries(tail: Told): readonly Entry[] {
    const { events } = tail;
    const continues = events[0]?.cursor === this.#first && events[this.#told - 1]?.cursor === this.#lastTold;
    const reach = `${tail.hasEarlier} ${tail.hasLater}`;
    if (continues && events.length === this.#told && reach === this.#reach) return this.#entries;
    const isElsewhere = reach !== this.#reach;
    this.#reach = reach;
    const isAdded = continues ? this.#tell(events.slice(this.#told)) : this.#tellAnew(events);
    this.#first = events[0]?.cursor;
    this.#told = events.length;
    this.#lastTold = events.at(-1)?.cursor;
    this.#last = events.at(-1)?.offset ?? -1;
    this.#entries = whole(this.#conversation.snapshot(), tail);
    if (isAdded || isElsewhere) this.#outline = this.#entries;
    return this.#entries;
  }

  /** Whether they told of more than of what goes on in turns. */
  #tell(events: readonly SessionEvent[]): boolean {
    const before = this.#conversation.entries.length;
    for (const event of events) this.#conversation.add(event);
    return (
      this.#conversation.entries.length !== before ||
      events.some(({ __typename }) => __typename !== "FrameEvent")
    );
  }

  #tellAnew(events: readonly SessionEvent[]): boolean {
    const before = this.#conversation.snapshot();
    this.#conversation = new Conversation();
    for (const event of events) this.#conversation.add(event);
    this.#conversation.reuse(before);
    return true;
  }

  entryAt(cursor: string): Entry | null {
    const offset = offsetOf(cursor);
    const isRead = this.#first !== undefined && offset >= offsetOf(this.#first) && offset <= this.#last;
    const key = isRead ? this.#conversation.tellerOf(offset) : null;
    return this.#entries.find((entry) => entry.key === key) ?? null;
  }
}

/** Without what begins ahead of what was read; and what goes on behind it does not run on. */
function whole(entries: readonly Entry[], tail: Told): readonly Entry[] {
  const shown = tail.hasEarlier ? entries.filter((entry) => entry.type !== "turn" || !entry.torn) : entries;
  return tail.hasLater ? shown.map((entry) => cut(entry, tail.events.at(-1))) : shown;
}

function cut(entry: Entry, last: SessionEvent | undefined): Entry {
  if (entry.type !== "turn" || entry.endedAt !== null || !last) return entry;
  return { ...entry, cutAt: Date.parse(last.at) };
}
