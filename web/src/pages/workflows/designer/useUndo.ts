import { useState } from "react";

interface Step {
  readonly before: string;
  readonly after: string;
  readonly what: string | undefined;
}

const MOST_STEPS = 100;

/** Changes that can be taken back, the last first, as long as nobody else has changed the text since. */
export function useUndo(
  text: string,
  onChange: (text: string) => void,
): { change: (next: string, what?: string) => void; back: (() => void) | undefined } {
  const [past, setPast] = useState<readonly Step[]>([]);
  const last = past.at(-1);
  const standing = last?.after === text ? past : [];
  const change = (next: string, what?: string) => {
    if (next === text) return;
    const top = standing.at(-1);
    const isMore = top !== undefined && what !== undefined && top.what === what;
    const kept = isMore ? standing.slice(0, -1) : standing;
    setPast([...kept, { before: isMore ? top.before : text, after: next, what }].slice(-MOST_STEPS));
    onChange(next);
  };
  const back = () => {
    const top = standing.at(-1);
    if (!top) return;
    setPast(standing.slice(0, -1));
    onChange(top.before);
  };
  return { change, back: standing.length > 0 ? back : undefined };
}
