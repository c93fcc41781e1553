/** What a figure comes to at the end of a time, if it goes on as it went; null as long as too little of it is over. */
export function projected(used: number, since: number, now: number, until: number): number | null {
  const part = (now - since) / (until - since);
  return part < 0.05 || part > 1 ? null : used / part;
}

/** The first instants of the present month and of the next, in UTC. */
export function monthOf(now: number): { since: number; until: number } {
  const day = new Date(now);
  const [year, month] = [day.getUTCFullYear(), day.getUTCMonth()];
  return { since: Date.UTC(year, month), until: Date.UTC(year, month + 1) };
}
