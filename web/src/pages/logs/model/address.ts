import { isRange, type Range } from "./range";

/** What the page shows of the logs. */
export type View = "search" | "live" | "changes";
const VIEWS: readonly View[] = ["search", "live", "changes"];

/** All that decides what the page shows; it stands in the address, so that a link shows another person the same. */
export interface Address {
  /** The search, in the language of log searches. */
  readonly q?: string;
  /** The session's key or name. */
  readonly session?: string;
  readonly range?: Range;
  /** With the lines that only say how things went their way. */
  readonly all?: true;
  /** Live: only lines that have this in them. */
  readonly only?: string;
  readonly view?: View;
  /** A line's place in the session's log: shows it in its context. */
  readonly line?: string;
  /** Changes: by turn, or all of the session by file. */
  readonly by?: "session";
  readonly diff?: "split";
}

/** The address in what a URL says; what cannot be understood is as if it were not there. */
export function readAddress(search: Record<string, unknown>): Address {
  const q = text(search.q);
  const session = text(search.session);
  const range = text(search.range);
  const view = VIEWS.find((one) => one === search.view);
  const only = text(search.only);
  const line = text(search.line);
  return {
    ...(q && { q }),
    ...(session && { session }),
    ...(range && isRange(range) && { range }),
    ...((search.all === true || search.all === "true") && { all: true as const }),
    ...(only && { only }),
    ...(view && view !== "search" && { view }),
    ...(line && session && { line }),
    ...(search.by === "session" && { by: "session" as const }),
    ...(search.diff === "split" && { diff: "split" as const }),
  };
}

/** A word of a URL; the router reads `q=5` as a number. */
function text(value: unknown): string | undefined {
  if (typeof value === "string") return value.trim() || undefined;
  return typeof value === "number" || typeof value === "boolean" ? String(value) : undefined;
}

/** The address with some of it changed; `undefined` takes a part away. */
export function changed(
  address: Address,
  change: { [Part in keyof Address]: Address[Part] | undefined },
): Address {
  return readAddress({ ...address, ...change });
}
