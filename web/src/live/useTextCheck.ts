import { useEffect, useState } from "react";
import type { Answer } from "./wire/ask";

const PAUSE_MS = 250;

export interface Looked<T> {
  readonly text: string;
  readonly found?: T;
  /** Why nobody has looked. */
  readonly refused?: string;
}

/**
 * What the broker says of a text, asked while it is typed: the last that is known stays until the next is. `check` is
 * the same function at every call.
 */
export function useTextCheck<T>(
  text: string,
  check: (text: string) => Promise<Answer<T>>,
): Looked<T> | undefined {
  const [looked, setLooked] = useState<Looked<T>>();
  useEffect(() => {
    if (text.trim() === "") return;
    let left = false;
    const timer = setTimeout(() => {
      void check(text).then((answer) => {
        if (left) return;
        setLooked("value" in answer ? { text, found: answer.value } : { text, refused: answer.refused });
      });
    }, PAUSE_MS);
    return () => {
      left = true;
      clearTimeout(timer);
    };
  }, [text, check]);
  return text.trim() === "" ? undefined : looked;
}
