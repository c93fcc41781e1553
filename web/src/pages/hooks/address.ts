export const TABS = ["hooks", "edit", "history", "undelivered"] as const;
export type Tab = (typeof TABS)[number];

/** What the page's address says. */
export interface HooksAddress {
  readonly tab?: Tab;
  /** The hook whose runs are shown; without it, those of all. */
  readonly hook?: string;
}

/** The address's search part, as far as it is understood. */
export function readAddress(search: Record<string, unknown>): HooksAddress {
  const tab = TABS.find((each) => each === search.tab);
  return {
    ...(tab && tab !== "hooks" ? { tab } : {}),
    ...(typeof search.hook === "string" && search.hook !== "" ? { hook: search.hook } : {}),
  };
}
