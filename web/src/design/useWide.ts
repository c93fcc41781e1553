import { useSyncExternalStore } from "react";

const query = typeof matchMedia === "function" ? matchMedia("(min-width: 64rem)") : null;

function subscribe(listener: () => void): () => void {
  query?.addEventListener("change", listener);
  return () => query?.removeEventListener("change", listener);
}

/** Whether there is room for views side by side. */
export function useWide(): boolean {
  return useSyncExternalStore(subscribe, () => query?.matches ?? true);
}
