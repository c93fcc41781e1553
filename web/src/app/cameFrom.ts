import { belowBase, keptAs } from "~/live/wire/base";

const KEY = keptAs("relaycast.came-from");

/** Keep in this tab where somebody wanted to go who has to sign in first. */
export function keepPlace({ pathname, search }: Pick<Location, "pathname" | "search">): void {
  sessionStorage.setItem(KEY, belowBase(pathname) + search);
}

/** Where somebody wanted to go, as long as they have not gone; null when that is not known. */
export function keptPlace(): string | null {
  return sessionStorage.getItem(KEY);
}

/** Where somebody wanted to go, once; null when that is not known. */
export function takePlace(): string | null {
  const place = sessionStorage.getItem(KEY);
  sessionStorage.removeItem(KEY);
  return place;
}
