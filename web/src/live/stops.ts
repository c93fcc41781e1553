import type { Stop } from "./documents";
import * as texts from "~/texts";

/** What is stopped, in words: "session main", "machine box", "the workspace". */
export function placeWords({ scope, name }: Pick<Stop, "scope" | "name">): string {
  return scope === "WORKSPACE" ? texts.live.theWorkspace : `${scope.toLowerCase()} ${name}`.trimEnd();
}

/** The stops that keep some agent of a session from beginning a turn, the widest first. `machines`: those of its agents. */
export function stopsOver(
  stops: readonly Stop[],
  session: string | undefined,
  machines: ReadonlySet<string>,
): readonly Stop[] {
  return stops.filter(
    ({ scope, ofKey }) =>
      (scope === "SESSION" && ofKey === session) ||
      (scope === "MACHINE" && ofKey !== null && machines.has(ofKey)),
  );
}

/** Who is met by a stop, as far as it fits: "3 agents: Lead, Worker and Tester". */
export function agentWords(names: readonly string[]): string {
  if (names.length === 0) return texts.live.noAgentThere;
  const shown = names.length > 4 ? [...names.slice(0, 3), texts.live.more(names.length - 3)] : names;
  const list =
    shown.length > 1 ? texts.live.and(shown.slice(0, -1).join(", "), shown.at(-1) ?? "") : shown[0];
  return `${names.length === 1 ? texts.shared.oneAgent : texts.shared.agents(names.length)}: ${list}`;
}
