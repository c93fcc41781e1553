import { useEffect, useMemo, useState } from "react";
import type { Answer } from "./wire/ask";
import { ACTIVITY } from "./documents";
import { useLive } from "./LiveContext";

const PAUSE_MS = 300;
/** Where the broker lets nobody follow the workspace, such as with a share. */
const POLL_MS = 5000;

/** Asks one thing again and again, and tells the answers for as long as somebody wants them. */
class Asking<Value> {
  private readonly ask: () => Promise<Answer<Value>>;
  private readonly told: (answer: Answer<Value>) => void;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private wanted = false;

  constructor(ask: () => Promise<Answer<Value>>, told: (answer: Answer<Value>) => void) {
    this.ask = ask;
    this.told = told;
  }

  begin(): void {
    this.wanted = true;
    void this.now();
  }

  /** In a moment, once for all who say so until then. */
  readonly soon = (): void => {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      void this.now();
    }, PAUSE_MS);
  };

  end(): void {
    this.wanted = false;
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  private async now(): Promise<void> {
    const answer = await this.ask();
    if (this.wanted) this.told(answer);
  }
}

export interface Asked<Value> {
  readonly answer: Answer<Value> | undefined;
  readonly again: () => void;
  readonly put: (answer: Answer<Value>) => void;
}

/**
 * What `ask` answers, asked anew whenever an event of such kinds happens in `session` (null: in any). The last answer
 * stays while the next is on its way; `put` shows one that came another way.
 */
export function useAnswer<Value>(
  ask: () => Promise<Answer<Value>>,
  kinds: RegExp,
  session: string | null = null,
): Asked<Value> {
  const live = useLive();
  const [answer, setAnswer] = useState<Answer<Value>>();
  const asking = useMemo(() => new Asking(ask, setAnswer), [ask]);
  useEffect(() => {
    let polling: ReturnType<typeof setInterval> | undefined;
    asking.begin();
    const stop = live.subscribe(ACTIVITY, () => ({}), {
      next: ({ activity }) => {
        const mine =
          activity.__typename !== "ActivityEvent" ||
          ((session === null || activity.session.key === session) && kinds.test(activity.event.kind));
        if (mine) asking.soon();
      },
      failed: () => {
        polling ??= setInterval(asking.soon, POLL_MS);
      },
    });
    return () => {
      stop();
      clearInterval(polling);
      asking.end();
    };
  }, [asking, live, kinds, session]);
  return { answer, again: asking.soon, put: setAnswer };
}
