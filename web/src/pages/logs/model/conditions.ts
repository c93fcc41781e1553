import * as texts from "~/texts";

/** One condition of a search as it is written, and where. */
export interface Condition {
  /** As it is written: `-agent:"Build er"`. */
  readonly text: string;
  readonly from: number;
  readonly to: number;
  readonly excluded: boolean;
  /** What stands before the colon, in lower case; null for a term. */
  readonly field: string | null;
  /** Its values without quotes; a list `a,b` has several. */
  readonly values: readonly string[];
}

/** Another word before a colon is text: `TypeError: x`, `localhost:8080`. */
const HEAD = /(-?)(?:(session|agent|cli|kind|tool|command|path|exit|failed|since|until):)?/iy;
const QUOTED = /\*?"((?:[^"\\]|\\.)*)"?\*?/sy;
const BARE = /\S*/y;
const SPACE = /\s*/y;
const LISTS = new Set(["session", "agent", "cli", "kind", "exit"]);

/**
 * Split a search into its conditions. The broker says what is wrong with one; here even half a condition is taken
 * as it is, for it is being typed.
 */
export function conditions(query: string): Condition[] {
  const found: Condition[] = [];
  let place = match(SPACE, query, 0)[0].length;
  while (place < query.length) {
    const head = match(HEAD, query, place);
    const at = place + head[0].length;
    const isQuoted = query.startsWith('"', at) || query.startsWith('*"', at);
    const value = match(isQuoted ? QUOTED : BARE, query, at);
    const to = Math.max(at + value[0].length, place + 1);
    const field = head[2]?.toLowerCase() ?? null;
    found.push({
      text: query.slice(place, to),
      from: place,
      to,
      excluded: head[1] === "-",
      field,
      values: valuesOf(field, value, isQuoted),
    });
    place = to + match(SPACE, query, to)[0].length;
  }
  return found;
}

function valuesOf(field: string | null, value: RegExpExecArray, isQuoted: boolean): string[] {
  if (isQuoted) return [(value[1] ?? "").replace(/\\(["\\])/g, "$1")];
  return field !== null && LISTS.has(field) ? value[0].split(",").filter(Boolean) : [value[0]];
}

function match(pattern: RegExp, text: string, at: number): RegExpExecArray {
  pattern.lastIndex = at;
  const found = pattern.exec(text);
  if (!found) throw new Error(texts.logs.emptyPattern);
  return found;
}

const PLAIN_TIME = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d(?::\d\d(?::\d\d(?:\.\d{1,6})?)?)?))?$/;

/** The search, with the browser's zone behind each time that says none: the broker would take it for UTC. */
export function zoned(query: string): string {
  return conditions(query).reduceRight((said, { field, excluded, values, from, to }) => {
    const at = (field === "since" || field === "until") && !excluded ? withZone(values[0] ?? "") : null;
    return at === null ? said : `${said.slice(0, from)}${field}:${at}${said.slice(to)}`;
  }, query);
}

/** A plain time with the zone that holds here on that day; null for everything else. */
function withZone(text: string): string | null {
  const found = PLAIN_TIME.exec(text);
  if (!found) return null;
  const [, day = "", time = "00:00"] = found;
  const at = new Date(`${day}T${time.length === 2 ? `${time}:00` : time}`);
  if (Number.isNaN(at.getTime())) return null;
  const ahead = -at.getTimezoneOffset();
  const two = (number: number) => String(Math.floor(number)).padStart(2, "0");
  const zone = `${ahead < 0 ? "-" : "+"}${two(Math.abs(ahead) / 60)}:${two(Math.abs(ahead) % 60)}`;
  return `${day}T${time}${zone}`;
}

/** The search without one of its conditions. */
export function without(query: string, condition: Condition): string {
  return joined([query.slice(0, condition.from), query.slice(condition.to)]);
}

/** Whether the search asks for this value of the field, or excludes it. */
export function asksFor(query: string, field: string, value: string, excluded = false): boolean {
  return conditions(query).some(
    (one) => one.field === field && one.excluded === excluded && one.values.includes(value),
  );
}

/** The search with the value asked for, beside others of the same field; without it when it was. */
export function toggled(query: string, field: string, value: string): string {
  const same = conditions(query).find((one) => one.field === field && !one.excluded);
  const values = same?.values ?? [];
  const wanted = values.includes(value) ? values.filter((one) => one !== value) : many(field, values, value);
  const rest = same ? without(query, same) : query;
  return joined([...written(field, wanted), rest]);
}

/** The search with the value excluded, and no longer asked for. */
export function excluding(query: string, field: string, value: string): string {
  const rest = asksFor(query, field, value) ? toggled(query, field, value) : query;
  return asksFor(rest, field, value, true) ? rest : joined([rest, ...written(`-${field}`, [value])]);
}

/** Kinds of lines that only say how messages and frames went their way: most of a log, and seldom looked for. */
export const QUIET_KINDS: readonly string[] = ["frame", "receipt"];

/** The search without those lines, unless it says itself which kinds it is about. */
export function quieted(query: string): string {
  const saysKind = conditions(query).some((one) => one.field === "kind");
  return saysKind ? query : joined([query, `-kind:${QUIET_KINDS.join(",")}`]);
}

/** Fields that hold one pattern or one truth take the new value in place of the old. */
function many(field: string, values: readonly string[], value: string): string[] {
  return LISTS.has(field) ? [...values, value] : [value];
}

function written(field: string, values: readonly string[]): string[] {
  const bare = values.filter((value) => /^[^\s",]+$/.test(value));
  const rest = values.filter((value) => !bare.includes(value));
  return [
    ...(bare.length > 0 ? [`${field}:${bare.join(",")}`] : []),
    ...rest.map((each) => `${field}:${quoted(each)}`),
  ];
}

/** The text in quotes, so that a search reads it as itself. */
export function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}

function joined(parts: readonly string[]): string {
  return parts
    .map((part) => part.trim())
    .filter(Boolean)
    .join(" ");
}
