import * as texts from "~/texts";

const WORDS: Readonly<Record<string, string>> = texts.live.reasons;

/** Why something ended, in words; a code that this page does not know as it came. */
export function reasonWords(reason: string): string {
  return WORDS[reason.toLowerCase()] ?? reason;
}

/** The same, with what else is known of it. */
export function whyWords(reason: string | null, detail: string | null): string {
  return [reason && reasonWords(reason), detail].filter(Boolean).join(": ");
}
