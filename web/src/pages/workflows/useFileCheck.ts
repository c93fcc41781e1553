import { useEffect, useState } from "react";
import { check, type Checked } from "./files";

const PAUSE_MS = 250;

interface Looked {
  readonly text: string;
  readonly found?: Checked;
  /** Why nobody has looked. */
  readonly refused?: string;
}

/** What is said of a file, while it is typed: the last that is known stays until the next is. */
export function useFileCheck(text: string): Looked | undefined {
  const [looked, setLooked] = useState<Looked>();
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
  }, [text]);
  return text.trim() === "" ? undefined : looked;
}
