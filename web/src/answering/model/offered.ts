import type { Asked } from "../documents";

export type Option = Asked["options"][number];
export type Verdict = "ALLOW" | "DENY";

/** What an option says; null for a kind that nobody here knows. */
export function verdictOf(option: Option): Verdict | null {
  if (option.kind === "allow_once" || option.kind === "allow_always") return "ALLOW";
  return option.kind === "reject_once" || option.kind === "reject_always" ? "DENY" : null;
}

/**
 * Whether a mere yes is enough. The broker refuses it where several options of one kind are offered, or none: then a
 * person has to say which one they mean.
 */
export function takesPlainYes(options: readonly Option[]): boolean {
  if (options.length === 0) return true;
  const allowing = options.filter((option) => verdictOf(option) === "ALLOW");
  const once = allowing.filter((option) => !option.lasts);
  return (once.length > 0 ? once : allowing).length === 1;
}

/** The options to list: all, where they are more than a plain yes and no. */
export function listed(options: readonly Option[]): readonly Option[] {
  return options.length > 2 || !takesPlainYes(options) ? options : [];
}
