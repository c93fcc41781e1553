import type { Agent } from "~/live/documents";
import { Store } from "~/live/wire/store";

/** The agent that somebody has asked to release and was not yet told what that means; null for none. */
export const toRelease = new Store<Agent | null>(null);
