import { isListed, isWrong, needsPerson, standing, type Standing } from "~/live/agentState";
import type { Agent, Waiting } from "~/live/documents";
import { groupBy } from "~/live/groupBy";
import type { FleetAddress, Grouping, Show, Sorting } from "./address";

/** One agent as the list shows it. */
export interface FleetRow {
  readonly agent: Agent;
  readonly standing: Standing;
  /** The name of its session. */
  readonly session: string;
  /** What it asks a person, the longest waiting of it. */
  readonly asks: Waiting | undefined;
}

/** A line of the list: an agent, or what those below have in common. */
export type Item =
  | { readonly type: "agent"; readonly key: string; readonly row: FleetRow }
  | {
      readonly type: "group";
      readonly key: string;
      readonly title: string;
      readonly count: number;
      readonly needing: number;
    };

export interface Around {
  /** Names of sessions by their keys. */
  readonly sessions: ReadonlyMap<string, string>;
  readonly waiting: readonly Waiting[];
}

/** Those that live, and those that failed and were not dismissed. */
export function rowsOf(agents: readonly Agent[], { sessions, waiting }: Around, now: number): FleetRow[] {
  const asked = groupBy(waiting, (one) => one.agentKey);
  return agents.filter(isListed).map((agent) => {
    const asks = asked.get(agent.key)?.[0];
    const found = standing(agent, now);
    const since = found.shown === "waiting" && asks ? Date.parse(asks.askedAt) : found.since;
    const session = sessions.get(agent.sessionKey) ?? "";
    return { agent, standing: { ...found, since }, session, asks };
  });
}

/** How many rows each choice of `show` has. */
export function counts(rows: readonly FleetRow[]): Record<Show, number> {
  const found = { needs: 0, working: 0, idle: 0 };
  for (const row of rows) {
    const show = showOf(row);
    if (show) found[show] += 1;
  }
  return found;
}

function showOf({ standing: { shown } }: FleetRow): Show | null {
  if (needsPerson(shown)) return "needs";
  if (shown === "working" || shown === "starting") return "working";
  return shown === "idle" || shown === "paused" ? "idle" : null;
}

/** The lines of the list, as an address asks for them. `held`: keys whose order stays as it is, the first first. */
export function arranged(
  rows: readonly FleetRow[],
  address: FleetAddress,
  held: readonly string[] | null,
): Item[] {
  const wanted = termsOf(address.q ?? "");
  const found = rows
    .filter((row) => (address.show === undefined || showOf(row) === address.show) && wanted(row))
    .sort(ORDERS[address.sort ?? "needs"]);
  const placed = held ? inHeldOrder(found, held) : found;
  if (address.group === undefined) return placed.map(item);
  const group = GROUPS[address.group];
  return [...groupBy(placed, group)].flatMap(([title, those]) => [
    {
      type: "group" as const,
      key: `group ${title}`,
      title,
      count: those.length,
      needing: those.filter((row) => needsPerson(row.standing.shown)).length,
    },
    ...those.map(item),
  ]);
}

const item = (row: FleetRow): Item => ({ type: "agent", key: row.agent.key, row });

const GROUPS: Record<Grouping, (row: FleetRow) => string> = {
  session: (row) => row.session,
  machine: (row) => row.agent.machine,
  person: (row) => row.agent.startedBy ?? "",
};

/** Who has a place keeps it; who is new comes behind. */
function inHeldOrder(rows: readonly FleetRow[], held: readonly string[]): FleetRow[] {
  const places = new Map(held.map((key, place) => [key, place]));
  const placeOf = ({ agent }: FleetRow) => places.get(agent.key) ?? held.length;
  return [...rows].sort((one, other) => placeOf(one) - placeOf(other));
}

type Order = (one: FleetRow, other: FleetRow) => number;

const byName: Order = (one, other) =>
  compare(one.session, other.session) ||
  compare(one.agent.name, other.agent.name) ||
  compare(one.agent.key, other.agent.key);

/**
 * First what is wrong, then who asks, the longest so first; all others by their names, whether they work or not: a list
 * that moves with each turn cannot be read.
 */
const ORDERS: Record<Sorting | "needs", Order> = {
  needs: (one, other) => {
    const rank = rankOf(one) - rankOf(other);
    if (rank !== 0) return rank;
    return (rankOf(one) < 2 ? one.standing.since - other.standing.since : 0) || byName(one, other);
  },
  name: (one, other) => compare(one.agent.name, other.agent.name) || byName(one, other),
  since: (one, other) => one.standing.since - other.standing.since || byName(one, other),
  spent: (one, other) => spentOf(other) - spentOf(one) || byName(one, other),
};

function rankOf({ standing: { shown } }: FleetRow): number {
  if (isWrong(shown)) return 0;
  return shown === "waiting" ? 1 : 2;
}

const spentOf = ({ agent }: FleetRow): number => agent.tokens ?? -1;

function compare(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}

const FIELDS: Record<string, (row: FleetRow) => string | null> = {
  state: (row) => `${row.standing.shown} ${row.standing.words}`,
  session: (row) => row.session,
  machine: (row) => row.agent.machine,
  agent: (row) => row.agent.name,
  program: (row) => row.agent.cli,
  person: (row) => row.agent.startedBy,
  branch: (row) => row.agent.branch,
  folder: (row) => row.agent.cwd,
};

/** Whether a row meets all words of a text; a word may name the field it is looked for in, as in "machine:box". */
export function termsOf(text: string): (row: FleetRow) => boolean {
  const terms = text.toLowerCase().split(/\s+/).filter(Boolean).map(termOf);
  return (row) => terms.every((term) => term(row));
}

function termOf(word: string): (row: FleetRow) => boolean {
  const [name = "", ...rest] = word.split(":");
  const field = rest.length > 0 ? FIELDS[name] : undefined;
  const wanted = field ? rest.join(":") : word;
  const fields = field ? [field] : EVERYWHERE;
  return (row) => fields.some((one) => one(row)?.toLowerCase().includes(wanted));
}

const EVERYWHERE = [
  ...Object.values(FIELDS),
  (row: FleetRow) => row.agent.task,
  (row: FleetRow) => row.agent.doing,
  (row: FleetRow) => row.agent.said,
];
