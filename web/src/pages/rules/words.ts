import type { Tone } from "~/design/Badge";
import type { Effect, Rule } from "./rule";
import type { Outcome } from "./trial";
import * as texts from "~/texts";

export const EFFECTS: Record<Effect, { readonly title: string; readonly tone: Tone }> = {
  ALLOW: { title: texts.rules.allow, tone: "good" },
  ASK: { title: texts.rules.ask, tone: "warn" },
  DENY: { title: texts.rules.deny, tone: "bad" },
};

export const OUTCOMES: Record<Outcome, { readonly title: string; readonly tone: Tone }> = {
  ALLOWS: { title: texts.rules.allowed, tone: "good" },
  ASKS: { title: texts.rules.asked, tone: "warn" },
  DENIES: { title: texts.rules.denied, tone: "bad" },
  OVERRULED: { title: texts.rules.overruled, tone: "neutral" },
};

/** What happens to requests that the rule answered once it is gone. */
export const REMOVED: Record<Effect, string> = {
  ALLOW: texts.rules.removeAllow,
  ASK: texts.rules.removeAsk,
  DENY: texts.rules.removeDeny,
};

/** What a rule looks at: each of its patterns with its name. */
export function patternsOf({ tool, command, path }: Rule): readonly (readonly [string, string])[] {
  return [
    [texts.rules.tool, tool] as const,
    ...(command === null ? [] : [[texts.rules.command, command] as const]),
    ...(path === null ? [] : [[texts.rules.path, path] as const]),
  ];
}
