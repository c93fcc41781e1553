import { useState } from "react";

/** A list whose rows stay for as long as a pointer is over it, also those that are gone: a click is not to land on another. */
export function useStanding<Row extends { readonly key: string }>(now: readonly Row[]) {
  const [held, setHeld] = useState<readonly Row[] | null>(null);
  const fresh = held === null ? [] : now.filter(({ key }) => !held.some((one) => one.key === key));
  if (held !== null && fresh.length > 0) setHeld([...held, ...fresh]);
  return {
    rows: held === null ? now : [...held, ...fresh],
    isOver: ({ key }: Row) => !now.some((one) => one.key === key),
    hold: (over: boolean) => setHeld(over ? (held ?? now) : null),
  };
}
