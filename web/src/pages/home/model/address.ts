/** What the address says of the list of agents; what is left out is as it is without being asked for. */
export interface FleetAddress {
  /** Words and conditions that agents must meet. */
  readonly q?: string;
  readonly show?: Show;
  readonly group?: Grouping;
  readonly sort?: Sorting;
}

/** Which agents are shown by what they do; without it, all. */
export const SHOWS = ["needs", "working", "idle"] as const;
export type Show = (typeof SHOWS)[number];
/** What agents are put together by; without it, by nothing. */
export const GROUPINGS = ["session", "machine", "person"] as const;
export type Grouping = (typeof GROUPINGS)[number];
/** What comes first; without it, who needs a person. */
export const SORTINGS = ["name", "since", "spent"] as const;
export type Sorting = (typeof SORTINGS)[number];

const LONGEST = 500;

/** What can be read of an address; anybody may have typed it. */
export function readAddress(search: Record<string, unknown>): FleetAddress {
  const q = typeof search.q === "string" ? search.q.slice(0, LONGEST) : "";
  const show = SHOWS.find((one) => one === search.show);
  const group = GROUPINGS.find((one) => one === search.group);
  const sort = SORTINGS.find((one) => one === search.sort);
  return { ...(q && { q }), ...(show && { show }), ...(group && { group }), ...(sort && { sort }) };
}

export type Change = { readonly [Part in keyof FleetAddress]?: FleetAddress[Part] | undefined };

/** An address with some parts as they are wanted, or without them. */
export const changed = (address: FleetAddress, change: Change): FleetAddress =>
  readAddress({ ...address, ...change });

/** How an address is kept under a name. */
export const asText = (address: FleetAddress): string => new URLSearchParams({ ...address }).toString();

/** The address of a text that `asText` made. */
export const fromText = (text: string): FleetAddress =>
  readAddress(Object.fromEntries(new URLSearchParams(text)));
