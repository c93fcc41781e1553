import type { Entry } from "./entries";

/** Whether an entry has to do with an agent, by its name. */
export function concerns(entry: Entry, agent: string): boolean {
  switch (entry.type) {
    case "message":
      return entry.from.name === agent || entry.deliveries.some((one) => one.name === agent);
    case "turn":
    case "notice":
      return entry.name === agent;
  }
}
