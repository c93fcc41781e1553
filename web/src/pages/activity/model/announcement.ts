import type { Entry } from "./entries";
import * as texts from "~/texts";

const MOST_CHARACTERS = 160;

/**
 * What to say of entries that are new since `said`: messages, and turns once they have ended, however much they stream
 * meanwhile. One in words, several as their number; null when there is nothing to say.
 */
export function announcement(entries: readonly Entry[], said: ReadonlySet<string>): string | null {
  const fresh = entries.filter((entry) => isDone(entry) && !said.has(entry.key));
  const [only] = fresh;
  if (!only) return null;
  return fresh.length === 1 ? words(only) : texts.session.newEntries(fresh.length);
}

/** The entries that need not be said any more. */
export const doneKeys = (entries: readonly Entry[]): ReadonlySet<string> =>
  new Set(entries.filter(isDone).map((entry) => entry.key));

function isDone(entry: Entry): boolean {
  return entry.type === "message" || (entry.type === "turn" && entry.endedAt !== null);
}

function words(entry: Entry): string {
  if (entry.type === "message") return texts.session.saysTo(entry.from.name, entry.to, short(entry.text));
  if (entry.type === "notice") return entry.words;
  const last = entry.parts.findLast((part) => part.type === "text");
  return texts.session.answers(entry.name, short(last?.type === "text" ? last.text : (entry.outcome ?? "")));
}

const short = (text: string): string =>
  text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}…` : text;
