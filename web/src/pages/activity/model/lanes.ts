import type { Entry, MessageEntry, TurnEntry } from "./entries";

/** A turn on an agent's lane; one that runs has no end. */
export interface Bar {
  readonly key: string;
  readonly from: number;
  readonly to: number | null;
  readonly outcome: string | null;
}

/** One participant's line through time. */
export interface Lane {
  readonly name: string;
  /** False for people and programs. */
  readonly isAgent: boolean;
  readonly bars: readonly Bar[];
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

/** The conversation as lanes: who worked when, and whose messages made whom work. */
export function lanesOf(entries: readonly Entry[], agents: readonly string[]): Lanes {
  const messages = entries.filter((entry) => entry.type === "message");
  const turns = entries.filter((entry) => entry.type === "turn" && entry.turn !== null) as TurnEntry[];
  const people = unique(messages.filter((one) => one.from.agentKey === null).map((one) => one.from.name));
  const known = unique([...agents, ...turns.map((turn) => turn.name)]);
  const lanes = [
    ...people.map((name) => lane(name, false, [])),
    ...known.map((name) => lane(name, true, turns)),
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

function lane(name: string, isAgent: boolean, turns: readonly TurnEntry[]): Lane {
  const bars = turns
    .filter((turn) => turn.name === name)
    .map(({ key, at, endedAt, outcome }) => ({ key, from: at, to: endedAt, outcome }));
  return { name, isAgent, bars };
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
