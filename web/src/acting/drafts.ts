/** What was typed and not sent: kept by the tab, for each session and whom it is for, through leaving the page and loading it anew. */
export type Keeper = Pick<Storage, "getItem" | "setItem" | "removeItem">;

const KEPT = "relaycast:drafts";
/** The oldest go first. */
const MOST_DRAFTS = 50;
const MOST_CHARACTERS = 20_000;

type Drafts = readonly (readonly [key: string, text: string])[];

const keyOf = (session: string, to: string) => `${session} ${to}`;

/** The draft for an addressee; '' when there is none. */
export function draftFor(keeper: Keeper, session: string, to: string): string {
  return read(keeper).find(([key]) => key === keyOf(session, to))?.[1] ?? "";
}

/** Keep a draft, or forget it when it is empty. One that is too long to be kept stays in the box alone. */
export function keepDraft(keeper: Keeper, session: string, to: string, text: string): void {
  const others = read(keeper).filter(([key]) => key !== keyOf(session, to));
  const isKept = text.trim() !== "" && text.length <= MOST_CHARACTERS;
  const drafts = isKept ? [...others, [keyOf(session, to), text] as const].slice(-MOST_DRAFTS) : others;
  try {
    if (drafts.length === 0) keeper.removeItem(KEPT);
    else keeper.setItem(KEPT, JSON.stringify(drafts));
  } catch {
    // A browser that keeps nothing, or no more: the box still has it.
  }
}

function read(keeper: Keeper): Drafts {
  try {
    const kept: unknown = JSON.parse(keeper.getItem(KEPT) ?? "[]");
    return Array.isArray(kept) ? (kept as unknown[]).filter(isDraft) : [];
  } catch {
    return [];
  }
}

function isDraft(one: unknown): one is readonly [string, string] {
  return Array.isArray(one) && typeof one[0] === "string" && typeof one[1] === "string";
}
