import type { KeptRule } from "./documents";

/** What a rule says, which is also what it is known by. */
export type Rule = Pick<
  KeptRule,
  "effect" | "tool" | "command" | "path" | "risk" | "role" | "group" | "people"
>;
export type Effect = Rule["effect"];
/** Where a rule moves to: one place up or down. */
export type Step = -1 | 1;

/** A rule without what is told about it, as the broker takes it. */
export function ruleOf({ effect, tool, command, path, risk, role, group, people }: Rule): Rule {
  return { effect, tool, command, path, risk, role, group, people };
}

/** Names a rule among others; a list that was set as a whole may have one twice. */
export function keysOf(rules: readonly Rule[]): readonly string[] {
  const seen = new Map<string, number>();
  return rules.map((rule) => {
    const key = JSON.stringify(Object.values(ruleOf(rule)));
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
  /** Of a rule that requires people: from which risk on; empty is any. */
  readonly risk: NonNullable<Rule["risk"]> | "";
  /** Whom it requires: a role, `group`, or `people` for anybody. */
  readonly whom: NonNullable<Rule["role"]> | "group" | "people";
  readonly group: string;
  readonly people: number;
}

/** Added by mistake, it would only ask more. */
export const NO_DRAFT: Draft = {
  effect: "ASK",
  tool: "*",
  command: "",
  path: "",
  risk: "",
  whom: "people",
  group: "",
  people: 2,
};

/** The rule that a form says: what is left empty is any. */
export function drafted({ effect, tool, command, path, risk, whom, group, people }: Draft): Rule {
  const patterns = {
    effect,
    tool: tool.trim() || "*",
    command: command.trim() || null,
    path: path.trim() || null,
  };
  if (effect !== "REQUIRE") return { ...patterns, risk: null, role: null, group: null, people: 1 };
  return {
    ...patterns,
    risk: risk || null,
    role: whom === "group" || whom === "people" ? null : whom,
    group: whom === "group" ? group.trim() || null : null,
    people,
  };
}

/** Whether a rule that requires people says whom. */
export function namesSomebody({ effect, role, group, people }: Rule): boolean {
  return effect !== "REQUIRE" || role !== null || group !== null || people > 1;
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
