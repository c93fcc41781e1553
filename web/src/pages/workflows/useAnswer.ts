import { useCallback, useEffect, useRef, useState } from "react";
import { useLive } from "~/live/LiveContext";
import { ACTIVITY } from "~/live/documents";
import type { Answer } from "./runs";

const PAUSE_MS = 300;
/** Where the broker lets nobody follow the workspace, such as with a share. */
const POLL_MS = 5000;
const ABOUT_RUNS = /^(workflow|step|command)\./;

/**
 * What `ask` answers, asked anew whenever something happens to a run of `session` (null: of any). The last answer
 * stays while the next is on its way.
 */
export function useAnswer<Value>(
  ask: () => Promise<Answer<Value>>,
  session: string | null,
): { answer: Answer<Value> | undefined; again: () => void } {
  const live = useLive();
  const [answer, setAnswer] = useState<Answer<Value>>();
  const wanted = useRef(session);
  wanted.current = session;
  const asking = useRef(ask);
  asking.current = ask;
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const again = useCallback(() => {
    if (timer.current !== undefined) return;
    timer.current = setTimeout(() => {
      timer.current = undefined;
      void asking.current().then(setAnswer);
    }, PAUSE_MS);
  }, []);
  useEffect(() => {
    let left = false;
    let polling: ReturnType<typeof setInterval> | undefined;
    void ask().then((first) => !left && setAnswer(first));
    const stop = live.subscribe(ACTIVITY, () => ({}), {
      next: ({ activity }) => {
        if (activity.__typename !== "ActivityEvent") return again();
        const mine = wanted.current === null || activity.session.key === wanted.current;
        if (mine && ABOUT_RUNS.test(activity.event.kind)) again();
      },
      failed: () => {
        polling ??= setInterval(again, POLL_MS);
      },
    });
    return () => {
      left = true;
      stop();
      clearInterval(polling);
      clearTimeout(timer.current);
      timer.current = undefined;
    };
  }, [ask, again, live]);
  return { answer, again };
}
