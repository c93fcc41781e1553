/** How many colours there are for agents; `agents.css` has one rule for each. */
const HUES = 10;

/** Which of the agents' colours a name has: stable, so that an agent looks the same on every page and tomorrow. */
export function agentHue(name: string): number {
  let hash = 2166136261;
  for (const letter of name.toLowerCase()) hash = Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 16777619);
  return (hash >>> 0) % HUES;
}
