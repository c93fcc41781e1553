import { Store } from "~/live/wire/store";

/** A text that is not applied yet. */
export interface Draft {
  readonly text: string;
  /** Of the hooks that it is to replace. */
  readonly version: number;
}

/** It stays while other pages are looked at. */
export const draft = new Store<Draft | null>(null);
