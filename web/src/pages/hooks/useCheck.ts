import { useEffect, useState } from "react";
import type { Problem } from "~/design/problems";
import { check } from "./hooks";

const PAUSE_MS = 250;

interface Checked {
  readonly text: string;
  readonly problems: readonly Problem[];
  /** Why nobody has looked. */
  readonly refused?: string;
}

/** What is wrong in a text, checked while it is typed: the last that is known stays until the next is. */
export function useCheck(text: string): Checked | undefined {
  const [checked, setChecked] = useState<Checked>();
  useEffect(() => {
    if (text.trim() === "") return;
    let left = false;
    const timer = setTimeout(() => {
      void check(text).then((answer) => {
        if (left) return;
        if ("value" in answer) setChecked({ text, problems: answer.value.problems });
        else setChecked({ text, problems: [], refused: answer.refused });
      });
    }, PAUSE_MS);
    return () => {
      left = true;
      clearTimeout(timer);
    };
  }, [text]);
  return text.trim() === "" ? undefined : checked;
}
