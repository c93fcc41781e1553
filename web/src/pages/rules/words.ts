import type { Tone } from "~/design/Badge";
import type { Effect, Rule } from "./rule";
import type { Outcome } from "./trial";
import * as texts from "~/texts";

export const EFFECTS: Record<Effect, { readonly title: string; readonly tone: Tone }> = {
  ALLOW: { title: texts.rules.allow, tone: "good" },
  ASK: { title: texts.rules.ask, tone: "warn" },
  REQUIRE: { title: texts.rules.require, tone: "warn" },
  DENY: { title: texts.rules.deny, tone: "bad" },
};

export const OUTCOMES: Record<Outcome, { readonly title: string; readonly tone: Tone }> = {
  ALLOWS: { title: texts.rules.allowed, tone: "good" },
  ASKS: { title: texts.rules.asked, tone: "warn" },
  REQUIRES: { title: texts.rules.required, tone: "warn" },
  DENIES: { title: texts.rules.denied, tone: "bad" },
  OVERRULED: { title: texts.rules.overruled, tone: "neutral" },
};

/** What happens to requests that the rule answered once it is gone. */
export const REMOVED: Record<Effect, string> = {
  ALLOW: texts.rules.removeAllow,
  ASK: texts.rules.removeAsk,
  REQUIRE: texts.rules.removeRequire,
  DENY: texts.rules.removeDeny,
};

/** What a rule looks at: each of its patterns with its name. */
export function patternsOf({ tool, command, path, risk }: Rule): readonly (readonly [string, string])[] {
  return [
    [texts.rules.tool, tool] as const,
    ...(command === null ? [] : [[texts.rules.command, command] as const]),
    ...(path === null ? [] : [[texts.rules.path, path] as const]),
    ...(risk === null ? [] : [[texts.rules.fromRisk, texts.rules.risks[risk]] as const]),
  ];
}

/** Whom a rule requires; null of any other rule. */
export function requiredOf({ effect, role, group, people }: Rule): string | null {
  if (effect !== "REQUIRE") return null;
  if (group !== null) return texts.rules.ofGroup(people, group);
  return role === null ? texts.rules.ofAny(people) : texts.rules.ofRole(people, role.toLowerCase());
}
