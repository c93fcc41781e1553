import type { Asked } from "../documents";

export type Prompt = NonNullable<Asked["question"]>["prompts"][number];

/** What a person has put in for one prompt so far. */
export interface Draft {
  /** The labels of the choices that are taken. */
  readonly chosen: readonly string[];
  /** Their own words. */
  readonly words: string;
}

export const EMPTY: Draft = { chosen: [], words: "" };

/** The draft after a choice was touched: one of several is taken or let go, the only one takes the others' place. */
export function withChoice(prompt: Prompt, draft: Draft, label: string, taken: boolean): Draft {
  if (!prompt.multiSelect) return { chosen: taken ? [label] : [], words: "" };
  const others = draft.chosen.filter((one) => one !== label);
  // In the order in which they are offered, whatever the order of the clicks.
  const chosen = taken
    ? prompt.choices.map((one) => one.label).filter((one) => one === label || others.includes(one))
    : others;
  return { ...draft, chosen };
}

/** The draft after own words were typed: where one answer is wanted, they take the place of a choice. */
export function withWords(prompt: Prompt, draft: Draft, words: string): Draft {
  return { chosen: prompt.multiSelect || words === "" ? draft.chosen : [], words };
}

/** What is answered: the choices, and the words where there are any. */
export function replies(draft: Draft): string[] {
  const words = draft.words.trim();
  return words === "" ? [...draft.chosen] : [...draft.chosen, words];
}

/** The prompts that need an answer and have none. */
export function missing(prompts: readonly Prompt[], drafts: Readonly<Record<string, Draft>>): Prompt[] {
  return prompts.filter((prompt) => prompt.required && replies(drafts[prompt.key] ?? EMPTY).length === 0);
}
