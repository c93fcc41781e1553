import { defaultParseSearch } from "@tanstack/react-router";
import { belowBase } from "~/live/base";
import type { Live } from "~/live/live";
import { rememberedViewer } from "~/live/remembered";
import { isShare } from "~/pages/sign-in/credential";
import { connected } from "./connected";
import type { Place } from "./place";

/** What pages begin with, by the first word of their addresses; others begin with what every page knows. */
const BEGINNINGS: Readonly<Record<string, () => Promise<{ askAhead: (live: Live, place: Place) => void }>>> =
  {
    session: () => import("~/pages/activity/ahead"),
    logs: () => import("~/pages/logs/ahead"),
    usage: () => import("~/pages/usage/ahead"),
    rules: () => import("~/pages/rules/ahead"),
    people: () => import("~/pages/people/ahead"),
    groups: () => import("~/pages/groups/ahead"),
    "access-tokens": () => import("~/pages/access-tokens/ahead"),
    audit: () => import("~/pages/audit/ahead"),
  };

/**
 * Connect, and ask for what the page at an address begins with, while what draws it is still being loaded. A page that is
 * signed in to, or shared, first finds out who looks at it.
 */
export function askAhead({ pathname, search, hash }: Location): void {
  const [first = "", key = ""] = belowBase(pathname).slice(1).split("/");
  if (first === "sign-in" || isShare(hash)) return;
  const { live } = connected();
  const may = new Set<string>(rememberedViewer()?.permissions);
  // Code that cannot be loaded is told when the page is shown.
  BEGINNINGS[first]?.().then(
    (page) => page.askAhead(live, { key, search: defaultParseSearch(search), may }),
    () => undefined,
  );
}

askAhead(location);
