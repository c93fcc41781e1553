/** What one line of usage counts. */
export interface Counters {
  readonly messages: number;
  readonly turns: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedTokens: number;
  readonly costUsd: number;
  /** By prices for models, where no vendor reported a cost; not part of that. */
  readonly estimatedUsd: number;
}

export interface Day extends Counters {
  /** `2026-01-31`, in UTC. */
  readonly day: string;
}

/** How many are shown before somebody chooses. */
export const DAYS = 30;
const DAY_MS = 86_400_000;
const NOTHING: Counters = {
  messages: 0,
  turns: 0,
  inputTokens: 0,
  outputTokens: 0,
  cachedTokens: 0,
  costUsd: 0,
  estimatedUsd: 0,
};

/** The UTC day of an instant. */
export const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 10);

/** The first and the last of so many days that end today. */
export function lastDays(count: number, now: number): { since: string; until: string } {
  return { since: dayOf(now - (count - 1) * DAY_MS), until: dayOf(now) };
}

/** Every day from one to another, with nothing on those that no counter tells of. */
export function everyDay(
  since: string,
  until: string,
  rows: readonly (Counters & { day: string | null })[],
): Day[] {
  const known = new Map(rows.map((row) => [row.day, row]));
  const days: Day[] = [];
  for (let at = Date.parse(since); at <= Date.parse(until); at += DAY_MS) {
    const day = dayOf(at);
    days.push({ ...NOTHING, ...known.get(day), day });
  }
  return days;
}

/** All counters together. */
export function total(rows: readonly Counters[]): Counters {
  return rows.reduce<Counters>(
    (all, row) => ({
      messages: all.messages + row.messages,
      turns: all.turns + row.turns,
      inputTokens: all.inputTokens + row.inputTokens,
      outputTokens: all.outputTokens + row.outputTokens,
      cachedTokens: all.cachedTokens + row.cachedTokens,
      costUsd: all.costUsd + row.costUsd,
      estimatedUsd: all.estimatedUsd + row.estimatedUsd,
    }),
    NOTHING,
  );
}

/** Tokens that were read or written. */
export const spent = (row: Counters): number => row.inputTokens + row.outputTokens;

/** The parts of bars laid one on another: each begins where the one before it ends. */
export function stacked(parts: readonly (readonly number[])[]): number[][] {
  const sums: number[][] = [];
  for (const part of parts) {
    const below = sums.at(-1);
    sums.push(part.map((value, at) => value + (below?.[at] ?? 0)));
  }
  return sums;
}

/** The heaviest first: by tokens, then by messages. */
export function heaviest<Row extends Counters>(rows: readonly Row[]): Row[] {
  return [...rows].sort((one, other) => spent(other) - spent(one) || other.messages - one.messages);
}
