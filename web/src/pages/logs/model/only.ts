import type { LogLine } from "./lines";

type Told = Pick<LogLine, "agent" | "kind" | "text">;

const WORDS = /-?(?:"[^"]*"|[^\s"]+)/g;
const FIELD = /^(agent|kind):(.+)$/;

/**
 * Whether a line has all that is asked for: words, "several words" in quotes, `agent:` and `kind:`; what has a minus in front
 * it must not have. Upper and lower case are the same.
 */
export function matching(asked: string): (line: Told) => boolean {
  const tests = (asked.toLowerCase().match(WORDS) ?? []).map(testOf);
  return (line) => tests.every((test) => test(line));
}

function testOf(word: string): (line: Told) => boolean {
  if (word.length > 1 && word.startsWith("-")) {
    const has = testOf(word.slice(1));
    return (line) => !has(line);
  }
  const [, field, value] = FIELD.exec(word) ?? [];
  if (field === "agent" || field === "kind") return (line) => line[field].toLowerCase() === value;
  const text = word.replaceAll('"', "");
  return (line) => [line.agent, line.kind, line.text].some((part) => part.toLowerCase().includes(text));
}
