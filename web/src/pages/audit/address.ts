/** What the page's address says: which records are shown, so that it can be kept and passed on. */
export interface AuditAddress {
  readonly act?: string;
  readonly by?: string;
  readonly on?: string;
  /** Of the record that is shown first, rather than the newest. */
  readonly upTo?: number;
}

/** The address's search part, as far as it is understood. */
export function readAddress(search: Record<string, unknown>): AuditAddress {
  const text = (name: string) => {
    const value = search[name];
    return (typeof value === "string" || typeof value === "number") && value !== ""
      ? { [name]: String(value) }
      : {};
  };
  const upTo = Number(search.upTo);
  return {
    ...text("act"),
    ...text("by"),
    ...text("on"),
    ...(Number.isSafeInteger(upTo) && upTo > 0 ? { upTo } : {}),
  };
}
