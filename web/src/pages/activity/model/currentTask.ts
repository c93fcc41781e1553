import type { Agent } from "~/live/documents";
import type { Entry } from "./entries";

/** The first line of what an agent was told to do in its present turn, as far as that was read. */
export function currentTask(agent: Pick<Agent, "key" | "turn">, entries: readonly Entry[]): string | null {
  const turn = entries.findLast(
    (one) =>
      one.type === "turn" && one.agent === agent.key && (agent.turn === null || one.turn === agent.turn),
  );
  if (turn?.type !== "turn") return null;
  const message = entries.findLast((one) => one.type === "message" && turn.messageKeys.includes(one.key));
  return message?.type === "message" ? firstLine(message.text) : null;
}

function firstLine(text: string): string {
  return text.trim().split("\n", 1)[0] ?? "";
}
