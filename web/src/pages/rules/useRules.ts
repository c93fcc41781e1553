import { useState } from "react";
import { useQuery } from "urql";
import { act, type Done } from "~/acting/act";
import { toast } from "~/app/toast";
import { said } from "~/live/wire/http";
import { useLive } from "~/live/LiveContext";
import { ADD_RULE, MOVE_RULE, REMOVE_RULE, RULES, type KeptRule } from "./documents";
import { aheadOf, ruleOf, type Rule, type Step } from "./rule";
import * as texts from "~/texts";

interface Rules {
  /** Undefined while they are read for the first time. */
  readonly rules: readonly KeptRule[] | undefined;
  /** Why they could not be read. */
  readonly problem: string | undefined;
  /** A change is on its way. */
  readonly busy: boolean;
  readonly add: (rule: Rule) => Promise<boolean>;
  readonly remove: (rule: Rule) => Promise<boolean>;
  readonly move: (place: number, step: Step) => Promise<boolean>;
}

/** The workspace's rules and what changes them; after each change, and each refusal, they are read anew. */
export function useRules(): Rules {
  const { queries } = useLive();
  const [{ data, error }, read] = useQuery({ query: RULES, requestPolicy: "cache-and-network" });
  const [busy, setBusy] = useState(false);
  const rules = data?.workspace.rules;
  const change = async (attempt: () => Promise<Done<unknown>>): Promise<boolean> => {
    if (busy) return false;
    setBusy(true);
    const done = await attempt();
    setBusy(false);
    read({ requestPolicy: "network-only" });
    if (!done.done) toast(texts.rules.notDone, { description: done.message, failed: true });
    return done.done;
  };
  return {
    rules,
    problem: error && !data ? said(error) : undefined,
    busy,
    add: (rule) => change(() => act(queries, ADD_RULE, { rule: ruleOf(rule) })),
    remove: (rule) => change(() => act(queries, REMOVE_RULE, { rule: ruleOf(rule) })),
    move: async (place, step) => {
      const rule = rules?.[place];
      const other = rules && aheadOf(rules, place, step);
      if (!rule || other === undefined) return false;
      return change(() => act(queries, MOVE_RULE, { rule: ruleOf(rule), aheadOf: other && ruleOf(other) }));
    },
  };
}
