import { useEffect, useRef, useState } from "react";
import { announcement, doneKeys } from "./model/announcement";
import type { Entry } from "./model/entries";
import type { Reading } from "./useConversation";
import * as texts from "~/texts";

/** A screen reader is told no more often than this, and then of all that is new. */
const PAUSE_MS = 2000;

/** Says to a screen reader what is new at the end of the conversation. */
export function Announcer({ reading }: { reading: Reading }) {
  const [words, setWords] = useState("");
  const latest = useRef(reading);
  const isLive = reading.state === "ready" && !reading.hasLater;
  useEffect(() => {
    latest.current = reading;
  });
  useEffect(() => {
    if (!isLive) return;
    // What is there when it is opened, or gone back to, is there to be read.
    let known = keysOf(latest.current.entries);
    let said = doneKeys(latest.current.entries);
    const timer = setInterval(() => {
      const { entries } = latest.current;
      // What was read ahead of all others is no news. Of a long one the oldest go while others come.
      const [oldest] = entries;
      const hasEarlier = oldest !== undefined && !known.has(oldest.key);
      const told = hasEarlier ? null : announcement(entries, said);
      known = keysOf(entries);
      said = doneKeys(entries);
      if (told !== null) setWords(told);
    }, PAUSE_MS);
    return () => clearInterval(timer);
  }, [isLive]);
  return (
    <p role="log" aria-label={texts.session.news} className="sr-only">
      {words}
    </p>
  );
}

const keysOf = (entries: readonly Entry[]): ReadonlySet<string> => new Set(entries.map(({ key }) => key));
