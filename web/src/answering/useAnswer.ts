import { useState } from "react";
import { act, freshKey, NO_ANSWER, type Done } from "~/acting/act";
import { ANSWER, ANSWER_QUESTION } from "~/acting/documents";
import { toast } from "~/app/toast";
import { useLive } from "~/live/LiveContext";
import type { Asked } from "./documents";
import type { SuggestedRule } from "./model/ruleWords";
import * as texts from "~/texts";

export interface Answer {
  readonly verdict: "ALLOW" | "DENY";
  readonly scope?: "ONCE" | "SESSION";
  readonly note?: string;
  readonly interrupt?: boolean;
  readonly always?: SuggestedRule;
  /** The one of the program's own answers that is meant. */
  readonly optionId?: string;
}

/** To a question: an answer for each prompt, or word that nobody answers. */
export type Reply =
  | { readonly answers: { prompt: string; texts: string[] }[] }
  | { readonly decline: true; readonly note: string };

/** As many as a browser has connections to one host by HTTP/1.1. */
const AT_ONCE = 6;

/** Sends one answer, which counts once for its key. */
type Attempt = (asked: Asked, key: string) => Promise<Done<unknown>>;

interface Answering {
  /** An answer is on its way. */
  readonly busy: boolean;
  /** The key of the approval that was answered here last. */
  readonly answered: string | null;
  /** Gives all of them the same answer; with more than one, several are on their way at once. */
  readonly answer: (asked: readonly Asked[], answer: Answer) => Promise<boolean>;
  readonly reply: (asked: Asked, reply: Reply) => Promise<boolean>;
}

/** Answers approvals and questions. Only what waits can be answered: the broker takes the first answer and refuses any later one. */
export function useAnswer(): Answering {
  const live = useLive();
  const [busy, setBusy] = useState(false);
  const [answered, setAnswered] = useState<string | null>(null);
  const settle = async (asked: Asked, attempt: Attempt): Promise<boolean> => {
    // At once, as the word that it was settled may come before the reply does.
    setAnswered(asked.key);
    const again = freshKey();
    let done = await attempt(asked, again);
    if (!done.done && done.code === NO_ANSWER) done = await attempt(asked, again);
    if (!done.done) toast(texts.inbox.notAnswered, { description: done.message, failed: true });
    return done.done;
  };
  const settleAll = async (asked: readonly Asked[], attempt: Attempt): Promise<boolean> => {
    if (busy) return false;
    setBusy(true);
    const rest = [...asked];
    let done = true;
    const goOn = async () => {
      for (let one = rest.shift(); one !== undefined; one = rest.shift()) {
        if (!(await settle(one, attempt))) done = false;
      }
    };
    try {
      await Promise.all(Array.from({ length: AT_ONCE }, goOn));
      return done;
    } finally {
      setBusy(false);
    }
  };
  return {
    busy,
    answered,
    answer: (asked, given) =>
      settleAll(asked, (one, again) =>
        act(live.queries, ANSWER, { approval: one.id, ...sent(given) }, again),
      ),
    reply: (asked, given) =>
      settleAll([asked], (one, again) =>
        act(live.queries, ANSWER_QUESTION, { question: one.key, ...given }, again),
      ),
  };
}

/** As the broker takes it: a rule without what only helps to choose it. */
function sent({ always, ...given }: Answer) {
  if (always === undefined) return given;
  const { effect, tool, command, path } = always;
  return { ...given, always: { effect, tool, command, path } };
}
