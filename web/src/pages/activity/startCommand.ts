import { brokerUrl } from "~/live/base";

const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);

/** What links a machine to the broker this page comes from, into the session. On the broker's own machine it needs no address. */
export function startCommand(session: string | undefined, at: Location = location): string {
  const where =
    LOOPBACK.has(at.hostname) && at.port === "8787" ? "" : ` --url ${brokerUrl(at)} --token-file …`;
  return `relay-connect${where}${session ? ` --session ${quoted(session)}` : ""}`;
}

function quoted(word: string): string {
  return /^[\w.@/-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
