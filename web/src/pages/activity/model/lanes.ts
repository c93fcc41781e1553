import type { Entry, MessageEntry, NoticeEntry, TurnEntry } from "./entries";

/** A turn on an agent's lane; one that runs has no end. */
export interface Bar {
  readonly key: string;
  /** Where it is in the log. */
  readonly cursor: string;
  readonly from: number;
  readonly to: number | null;
  readonly outcome: string | null;
}

/** A time in which an agent waits for a person; one that goes on has no end. */
export interface Wait {
  readonly key: string;
  /** Where it is in the log. */
  readonly cursor: string;
  readonly from: number;
  readonly to: number | null;
}

/** One participant's line through time. */
export interface Lane {
  readonly name: string;
  /** False for people and programs. */
  readonly isAgent: boolean;
  readonly bars: readonly Bar[];
  readonly waits: readonly Wait[];
}

/** A message on its way from lane to lane. */
export interface Arrow {
  readonly key: string;
  readonly from: number;
  readonly to: number;
  readonly sentAt: number;
  readonly arrivedAt: number;
  readonly delivered: boolean;
}

export interface Lanes {
  readonly lanes: readonly Lane[];
  readonly arrows: readonly Arrow[];
  /** The first and the last moment of anything on them; null when there is nothing. */
  readonly span: readonly [number, number] | null;
}

const ARRIVALS = new Set(["handed", "in_turn", "answered"]);

/** The conversation as lanes: who worked when, who waited for a person, and whose messages made whom work. `agents`: whose lanes there are. */
export function lanesOf(entries: readonly Entry[], agents: readonly string[]): Lanes {
  const messages = entries.filter((entry) => entry.type === "message");
  const turns = entries.filter((entry) => entry.type === "turn" && entry.turn !== null) as TurnEntry[];
  const people = unique(messages.filter((one) => one.from.agentKey === null).map((one) => one.from.name));
  const notices = entries.filter((entry) => entry.type === "notice");
  const lanes: Lane[] = [
    ...people.map((name) => ({ name, isAgent: false, bars: [], waits: [] })),
    ...unique(agents).map((name) => ({
      name,
      isAgent: true,
      bars: bars(name, turns),
      waits: waits(name, notices, turns),
    })),
  ];
  const place = new Map(lanes.map((one, index) => [`${one.isAgent} ${one.name}`, index]));
  const moments = [
    ...messages.map((one) => one.at),
    ...turns.flatMap((one) => [one.at, one.endedAt ?? one.at]),
  ];
  return {
    lanes,
    arrows: messages.flatMap((message) => arrows(message, place)),
    span: moments.length > 0 ? [Math.min(...moments), Math.max(...moments)] : null,
  };
}

const unique = (names: readonly string[]): string[] => [...new Set(names)];

function bars(name: string, turns: readonly TurnEntry[]): Bar[] {
  return turns
    .filter((turn) => turn.name === name)
    .map(({ key, cursor, at, endedAt, cutAt, outcome }) => ({
      key,
      cursor,
      from: at,
      to: endedAt ?? cutAt,
      outcome,
    }));
}

/** From a question to its answer, or to the end of the turn that it was asked in. */
function waits(name: string, notices: readonly NoticeEntry[], turns: readonly TurnEntry[]): Wait[] {
  const own = notices.filter((notice) => notice.name === name && notice.asked !== null);
  return own
    .filter(({ asked }) => asked?.waits)
    .map(({ key, cursor, at, asked }) => {
      const answered = own.find((one) => one.asked?.approval === asked?.approval && !one.asked?.waits);
      const turn = turns.findLast((one) => one.name === name && one.at <= at);
      return { key, cursor, from: at, to: answered?.at ?? turn?.endedAt ?? turn?.cutAt ?? null };
    });
}

function arrows(message: MessageEntry, place: ReadonlyMap<string, number>): Arrow[] {
  const from = place.get(`${message.from.agentKey !== null} ${message.from.name}`);
  if (from === undefined) return [];
  return message.deliveries.flatMap((delivery) => {
    const to = place.get(`true ${delivery.name}`);
    if (to === undefined || to === from) return [];
    const arrival = delivery.steps.find((step) => ARRIVALS.has(step.state));
    const arrivedAt = arrival?.at ?? message.at;
    return [{ key: message.key, from, to, sentAt: message.at, arrivedAt, delivered: arrival !== undefined }];
  });
}
