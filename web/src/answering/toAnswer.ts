import type { Waiting } from "~/live/documents";
import { Store } from "~/live/wire/store";

/** What somebody has chosen to answer where they are; null for nothing. */
export const toAnswer = new Store<Waiting | null>(null);
