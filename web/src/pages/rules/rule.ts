import type { KeptRule } from "./documents";

/** What a rule says, which is also what it is known by. */
export type Rule = Pick<KeptRule, "effect" | "tool" | "command" | "path">;
export type Effect = Rule["effect"];
/** Where a rule moves to: one place up or down. */
export type Step = -1 | 1;

/** A rule without what is told about it, as the broker takes it. */
export function ruleOf({ effect, tool, command, path }: Rule): Rule {
  return { effect, tool, command, path };
}

/** Names a rule among others; a list that was set as a whole may have one twice. */
export function keysOf(rules: readonly Rule[]): readonly string[] {
  const seen = new Map<string, number>();
  return rules.map(({ effect, tool, command, path }) => {
    const key = JSON.stringify([effect, tool, command, path]);
    const before = seen.get(key) ?? 0;
    seen.set(key, before + 1);
    return before === 0 ? key : `${key} ${before}`;
  });
}

/** What is typed into the form. */
export interface Draft {
  readonly effect: Effect;
  readonly tool: string;
  readonly command: string;
  readonly path: string;
}

/** Added by mistake, it would only ask more. */
export const NO_DRAFT: Draft = { effect: "ASK", tool: "*", command: "", path: "" };

/** The rule that a form says: what is left empty is any. */
export function drafted({ effect, tool, command, path }: Draft): Rule {
  return {
    effect,
    tool: tool.trim() || "*",
    command: command.trim() || null,
    path: path.trim() || null,
  };
}

/** Whether a rule lets every agent do everything. */
export function allowsEverything({ effect, tool, command, path }: Rule): boolean {
  return effect === "ALLOW" && tool === "*" && command === null && path === null;
}

/** The rule that one is put ahead of when it goes a step; null: the end; undefined: it is there already. */
export function aheadOf(rules: readonly Rule[], place: number, step: Step): Rule | null | undefined {
  const to = place + step;
  if (to < 0 || to >= rules.length) return undefined;
  return rules[step < 0 ? to : to + 1] ?? null;
}
