import { useSyncExternalStore } from "react";
import type { Readable } from "./wire/store";

/** The present value of a store; the component is drawn again when it changes. */
export function useReadable<T>(readable: Readable<T>): T {
  return useSyncExternalStore(readable.subscribe, readable.get);
}
