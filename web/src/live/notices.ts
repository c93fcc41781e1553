import { Store, type Readable } from "./wire/store";

/** Something about the stream of events that a person should know. */
export type Notice = { readonly type: "replayed"; readonly count: number } | { readonly type: "gap" };

const SHOWN_MS = 4000;
const present = new Store<Notice | null>(null);
let hide: ReturnType<typeof setTimeout> | undefined;

/** What is to be said now; a gap stays until the page is loaded anew. */
export const notices: Readable<Notice | null> = present;

/** Say it. */
export function notify(notice: Notice): void {
  if (present.get()?.type === "gap") return;
  clearTimeout(hide);
  present.set(notice);
  if (notice.type !== "gap") hide = setTimeout(() => present.set(null), SHOWN_MS);
}
