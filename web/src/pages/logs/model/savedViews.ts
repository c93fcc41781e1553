import { keptAs } from "~/live/wire/base";
import { readAddress, type Address } from "./address";

/** An address under a name, in this browser. */
export interface SavedView {
  readonly name: string;
  readonly address: Address;
}

const KEY = keptAs("relaycast.logs.views");
const MOST = 50;

type Storage = Pick<globalThis.Storage, "getItem" | "setItem">;

/** The views that were saved; what another version wrote and cannot be read is left out. */
export function savedViews(storage: Storage): SavedView[] {
  try {
    const stored: unknown = JSON.parse(storage.getItem(KEY) ?? "[]");
    return Array.isArray(stored) ? stored.flatMap(readView) : [];
  } catch {
    return [];
  }
}

function readView(stored: unknown): SavedView[] {
  if (typeof stored !== "object" || stored === null) return [];
  const { name, address } = stored as Record<string, unknown>;
  if (typeof name !== "string" || !name || typeof address !== "object" || address === null) return [];
  return [{ name, address: readAddress(address as Record<string, unknown>) }];
}

/** Keep a view; it takes the place of one with the same name. Tells what is saved now. */
export function saveView(storage: Storage, view: SavedView): SavedView[] {
  const others = savedViews(storage).filter((one) => one.name !== view.name);
  return store(storage, [...others, view].slice(-MOST));
}

/** Forget a view. Tells what is saved now. */
export function forgetView(storage: Storage, name: string): SavedView[] {
  return store(
    storage,
    savedViews(storage).filter((one) => one.name !== name),
  );
}

function store(storage: Storage, views: SavedView[]): SavedView[] {
  try {
    storage.setItem(KEY, JSON.stringify(views));
  } catch {
    // A browser that keeps nothing still shows the views until the page is left.
  }
  return views;
}
