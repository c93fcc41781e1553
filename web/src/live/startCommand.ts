import { brokerUrl } from "./wire/base";

const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);

/**
 * What starts the terminal on a machine of the broker this page comes from, in the session. On the broker's own machine it
 * needs no address; elsewhere one that was never linked says that it needs a code, and where to get that.
 */
export function startCommand(session: string | undefined, at: Location = location): string {
  const where = LOOPBACK.has(at.hostname) && at.port === "8787" ? "" : ` --url ${brokerUrl(at)}`;
  return `relay-connect${where}${session ? ` --session ${quoted(session)}` : ""}`;
}

function quoted(word: string): string {
  return /^[\w.@/-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
