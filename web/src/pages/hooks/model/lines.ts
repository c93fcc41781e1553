import type { Done, Action } from "../hooks";

const PLAIN = /^[\w@%+=:,./-]+$/;

/** A command as one line; words that a shell would take for more than text are quoted. */
export function commandLine(words: readonly string[]): string {
  return words.map((word) => (PLAIN.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`)).join(" ");
}

/** What a hook does, in one line. */
export function actionLine({ command, relay, webhook, notify }: Action): string {
  if (command !== undefined) return typeof command === "string" ? command : commandLine(command);
  if (relay !== undefined) return `relay: ${relay}`;
  if (webhook !== undefined) return `webhook: ${webhook}`;
  return `notify: ${notify ?? ""}`;
}

/** What a run does, or would have done, a line for each call. */
export function doneLines({ argv, skipped, relay, text, to }: Done): readonly string[] {
  if (argv) return argv.map(commandLine);
  if (skipped !== undefined) return [skipped];
  if (relay !== undefined) return [`${relay}: ${text ?? ""}`];
  return to === undefined ? [] : [to];
}
