import type { Done, Action } from "../hooks";

const PLAIN = /^[\w@%+=:,./-]+$/;

/** A command as one line; words that a shell would take for more than text are quoted. */
export function commandLine(words: readonly string[]): string {
  return words.map((word) => (PLAIN.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`)).join(" ");
}

/** What a hook does, in one line. */
export function actionLine({ command, relay, webhook, notify, start_workflow }: Action): string {
  if (command !== undefined) return typeof command === "string" ? command : commandLine(command);
  if (relay !== undefined) return `relay: ${relay}`;
  if (webhook !== undefined) return `webhook: ${webhook}`;
  if (start_workflow !== undefined) return `start_workflow: ${start_workflow}`;
  return `notify: ${notify ?? ""}`;
}

/** What a run does, or would have done, a line for each call. */
export function doneLines({ argv, skipped, relay, text, to, starts }: Done): readonly string[] {
  if (argv) return argv.map(commandLine);
  if (skipped !== undefined) return [skipped];
  if (relay !== undefined) return [`${relay}: ${text ?? ""}`];
  if (starts) {
    const values = Object.entries(starts).map(([name, value]) => `${name}=${value}`);
    return [["start_workflow", ...values].join(" ")];
  }
  return to === undefined ? [] : [to];
}
