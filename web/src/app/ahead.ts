import { defaultParseSearch } from "@tanstack/react-router";
import { belowBase } from "~/live/wire/base";
import { rememberedViewer } from "~/live/remembered";
import { isShare } from "~/pages/sign-in/credential";
import { connected } from "./connected";
import { codeOf } from "./pageCode";

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
  codeOf(first)
    ?.asks?.()
    .then(
      (page) => page.askAhead(live, { key, search: defaultParseSearch(search), may }),
      () => undefined,
    );
}

askAhead(location);
