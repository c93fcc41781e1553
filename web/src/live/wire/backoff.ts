const FIRST_MS = 500;
/** The longest wait. */
export const MOST_MS = 8_000;

/**
 * How long to wait before attempt `attempt` (from 0): doubling, with "equal jitter" so that a broker that
 * comes back is not met by every open page at once, and nobody waits close to nothing.
 */
export function delayBefore(attempt: number, random: () => number = Math.random): number {
  const ceiling = Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(attempt, 10));
  return Math.round(ceiling / 2 + random() * (ceiling / 2));
}

/** Wait before attempt `attempt` (from 0), as long as `delayBefore` says. */
export function waitBefore(attempt: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayBefore(attempt)));
}
