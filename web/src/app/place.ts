/** Where a page is, as far as it tells what the page begins with. */
export interface Place {
  /** What the address names: a session, on the page of one. */
  readonly key: string;
  readonly search: Record<string, unknown>;
  /** What whoever looks was allowed to when this browser was here last; empty where that is not known. */
  readonly may: ReadonlySet<string>;
}
