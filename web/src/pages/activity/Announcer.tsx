import { useEffect, useRef, useState } from "react";
import { announcement, doneKeys } from "./model/announcement";
import type { Reading } from "./useConversation";
import * as texts from "~/texts";

/** A screen reader is told no more often than this, and then of all that is new. */
const PAUSE_MS = 2000;

/** Says to a screen reader what is new at the end of the conversation. */
export function Announcer({ reading }: { reading: Reading }) {
  const [words, setWords] = useState("");
  const said = useRef<ReadonlySet<string> | null>(null);
  // The oldest entry that is there: where that changes, what is ahead of it is no news.
  const first = useRef<string>(undefined);
  const latest = useRef(reading);
  const isLive = reading.state === "ready" && !reading.hasLater;
  useEffect(() => {
    latest.current = reading;
  });
  useEffect(() => {
    if (!isLive) return;
    // What is there when it is opened, or gone back to, is there to be read.
    said.current = null;
    const timer = setInterval(() => {
      const { entries } = latest.current;
      const isSame = first.current === entries[0]?.key;
      const told = said.current && isSame ? announcement(entries, said.current) : null;
      first.current = entries[0]?.key;
      said.current = doneKeys(entries);
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
