import type { Asked } from "./documents";

/** What waits, the one that was asked first at the top; and what left the list while it was looked at. */
export interface WaitingList {
  readonly waiting: readonly Asked[];
  /** The latest that was settled, here or elsewhere, so that a card does not vanish without a word. */
  readonly settled: Asked | null;
}

export const NOTHING: WaitingList = { waiting: [], settled: null };

/** The list as the broker tells it whole. */
export function fromSnapshot(approvals: readonly Asked[]): WaitingList {
  return { waiting: byAge(approvals), settled: null };
}

/** The list after one approval came or was settled. Word of one that is not there changes nothing but itself. */
export function changed(list: WaitingList, approval: Asked): WaitingList {
  const others = list.waiting.filter((one) => one.key !== approval.key);
  if (approval.status === "PENDING") return { ...list, waiting: byAge([...others, approval]) };
  const wasShown = others.length < list.waiting.length;
  return { waiting: others, settled: wasShown ? approval : list.settled };
}

const byAge = (approvals: readonly Asked[]): Asked[] =>
  [...approvals].sort((a, b) => a.askedAt.localeCompare(b.askedAt) || a.key.localeCompare(b.key));
