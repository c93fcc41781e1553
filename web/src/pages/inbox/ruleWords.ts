import type { Asked } from "./documents";

export type SuggestedRule = Asked["suggestedRules"][number];

/** A rule as a person would say it: "Bash: git status *". */
export function ruleWords(rule: SuggestedRule): string {
  const pattern = rule.command ?? rule.path;
  return pattern === null ? `${rule.tool}, whatever it does` : `${rule.tool}: ${pattern}`;
}
