import { Store } from "~/live/wire/store";

/** Something said in passing. */
export interface Said {
  readonly title: string;
  readonly description?: string;
  readonly failed: boolean;
}

/** What was said and is not shown yet: what shows it is loaded after the page. */
export const unshown = new Store<readonly Said[]>([]);

/** Say something in passing; a failure stays until it is dismissed. */
export function toast(title: string, options: { description?: string; failed?: boolean } = {}): void {
  unshown.update((before) => [...before, { title, failed: false, ...options }]);
}
