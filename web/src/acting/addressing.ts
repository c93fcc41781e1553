/** Who a text is for, and what is left to say: "@Backend fix it", "#api done", "@all stop". */
export interface Addressed {
  readonly to: string;
  readonly text: string;
}

const HEAD = /^(?:@([A-Za-z][A-Za-z0-9_.-]*)|(#[a-z0-9][a-z0-9_-]*))(?:[\s:,]+|$)/;
const EVERYBODY = new Set(["all", "everyone"]);

/** Read the address at the beginning of a text; without one it goes to `otherwise`. */
export function addressed(typed: string, otherwise: string): Addressed {
  const text = typed.trim();
  const head = HEAD.exec(text);
  if (!head) return { to: otherwise, text };
  const [whole, name, channel] = head;
  const to = channel ?? (EVERYBODY.has(name?.toLowerCase() ?? "") ? "*" : (name ?? otherwise));
  return { to, text: text.slice(whole.length).trim() };
}

/** Who is written to when neither the text nor the reader names anybody: whom was written to last, or who was there first. */
export function usualAddressee(last: string | null, living: readonly string[]): string {
  if (last !== null && (living.includes(last) || last.startsWith("#"))) return last;
  return living[0] ?? "*";
}

/** The names that complete what is being typed at the beginning: "@Ba" → "@Backend". */
export function completions(typed: string, names: readonly string[]): readonly string[] {
  const begun = /^@([A-Za-z0-9_.-]*)$/.exec(typed);
  if (!begun) return [];
  const start = (begun[1] ?? "").toLowerCase();
  return [...names, "all"].filter((name) => name.toLowerCase().startsWith(start)).slice(0, 8);
}
