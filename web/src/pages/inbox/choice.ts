import type { Asked } from "~/answering/documents";

/** Which of the questions the keys mean. */
export interface Choice {
  readonly waiting: readonly Pick<Asked, "key">[];
  /** The key of the chosen one; null when none is. */
  readonly key: string | null;
  /** Where the chosen one stood when it was settled elsewhere; null when that did not happen. */
  readonly lost: number | null;
}

export const NO_CHOICE: Choice = { waiting: [], key: null, lost: null };

/**
 * The choice after the list changed. What was answered here passes it on to what takes its place. What was settled
 * elsewhere leaves none: a key that is already on its way must not answer what nobody has read.
 */
export function carried(choice: Choice, waiting: Choice["waiting"], answeredHere: string | null): Choice {
  const { key, lost } = choice;
  if (key === null) return { waiting, key: lost === null ? (waiting[0]?.key ?? null) : null, lost };
  if (waiting.some((one) => one.key === key)) return { ...choice, waiting };
  const place = choice.waiting.findIndex((one) => one.key === key);
  if (key !== answeredHere) return { waiting, key: null, lost: place };
  return { waiting, key: (waiting[place] ?? waiting.at(-1))?.key ?? null, lost: null };
}

/** The choice one further down or up, as far as there is something. */
export function stepped({ waiting, key, lost }: Choice, step: 1 | -1): Choice {
  const place = key === null ? (lost ?? 0) : waiting.findIndex((one) => one.key === key);
  // Down from a place whose question is gone is the one that took it.
  const next = key === null && step === 1 ? place : place + step;
  const one = waiting[Math.min(Math.max(next, 0), waiting.length - 1)];
  return one ? { waiting, key: one.key, lost: null } : { waiting, key, lost };
}
