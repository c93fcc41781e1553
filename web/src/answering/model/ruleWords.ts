import type { Asked } from "../documents";
import * as texts from "~/texts";

export type SuggestedRule = Asked["suggestedRules"][number];

/** A rule as a person would say it: "Bash: git status *". */
export function ruleWords(rule: SuggestedRule): string {
  const pattern = rule.command ?? rule.path;
  return pattern === null ? texts.inbox.anyUse(rule.tool) : `${rule.tool}: ${pattern}`;
}
