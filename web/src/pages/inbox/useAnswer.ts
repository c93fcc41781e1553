import { useState } from "react";
import { act, freshKey, NO_ANSWER } from "~/acting/act";
import { ANSWER } from "~/acting/documents";
import { toast } from "~/app/toast";
import { useLive } from "~/live/LiveContext";
import type { Asked } from "./documents";
import type { SuggestedRule } from "./ruleWords";

export interface Answer {
  readonly verdict: "ALLOW" | "DENY";
  readonly scope?: "ONCE" | "SESSION";
  readonly note?: string;
  readonly interrupt?: boolean;
  readonly always?: SuggestedRule;
}

interface Answering {
  /** An answer is on its way. */
  readonly busy: boolean;
  /** The key of the approval that was answered here last. */
  readonly answered: string | null;
  readonly answer: (asked: Asked, answer: Answer) => Promise<boolean>;
}

/** Answers approvals. Only what waits can be answered: the broker takes the first answer and refuses any later one. */
export function useAnswer(): Answering {
  const live = useLive();
  const [busy, setBusy] = useState(false);
  const [answered, setAnswered] = useState<string | null>(null);
  const answer = async (asked: Asked, given: Answer): Promise<boolean> => {
    if (busy) return false;
    setBusy(true);
    // At once, as the word that it was settled may come before the reply does.
    setAnswered(asked.key);
    try {
      const input = { approval: asked.id, ...given };
      const again = freshKey();
      let done = await act(live.queries, ANSWER, input, again);
      if (!done.done && done.code === NO_ANSWER) done = await act(live.queries, ANSWER, input, again);
      if (!done.done) toast("Not answered", { description: done.message, failed: true });
      return done.done;
    } finally {
      setBusy(false);
    }
  };
  return { busy, answered, answer };
}
