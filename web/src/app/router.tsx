import {
  createRootRoute,
  createRoute,
  createRouter,
  defaultParseSearch,
  lazyRouteComponent,
  redirect,
} from "@tanstack/react-router";
import { BASE, belowBase } from "~/live/base";
import { isShare } from "~/pages/sign-in/credential";
import { connected } from "./connected";
import { NoSuchPage, PageBroke } from "./ErrorBoundary";
import { Shell } from "./Shell";
import { readAddress as readAudit } from "~/pages/audit/address";
import { readAddress } from "~/pages/logs/model/address";

/** The pages' own code, which is loaded when the page is. */
const pages = {
  signIn: () => import("~/pages/sign-in/SignInPage"),
  home: () => import("~/pages/home/HomePage"),
  session: () => import("~/pages/activity/ActivityPage"),
  inbox: () => import("~/pages/inbox/InboxPage"),
  logs: () => import("~/pages/logs/LogsPage"),
  usage: () => import("~/pages/usage/UsagePage"),
  workflows: () => import("~/pages/workflows/WorkflowsPage"),
  audit: () => import("~/pages/audit/AuditPage"),
  settings: () => import("~/pages/settings/SettingsPage"),
};

const root = createRootRoute({ notFoundComponent: NoSuchPage, errorComponent: PageBroke });

const shell = createRoute({
  getParentRoute: () => root,
  id: "shell",
  component: Shell,
  beforeLoad: ({ location }) => {
    // A share link names the session to show and carries the token that shows it.
    if (isShare(location.hash))
      throw redirect({
        to: "/sign-in",
        hash: location.hash,
        search: { to: location.pathname },
        replace: true,
      });
  },
});

const signIn = createRoute({
  getParentRoute: () => root,
  path: "/sign-in",
  validateSearch: (search: Record<string, unknown>): { to?: string } =>
    typeof search.to === "string" ? { to: search.to } : {},
  component: lazyRouteComponent(pages.signIn, "SignInPage"),
});

const home = createRoute({
  getParentRoute: () => shell,
  path: "/",
  component: lazyRouteComponent(pages.home, "HomePage"),
});

const session = createRoute({
  getParentRoute: () => shell,
  path: "/session/$key",
  validateSearch: (search: Record<string, unknown>): { agent?: string } =>
    typeof search.agent === "string" && search.agent ? { agent: search.agent } : {},
  component: lazyRouteComponent(pages.session, "ActivityPage"),
});

const inbox = createRoute({
  getParentRoute: () => shell,
  path: "/inbox",
  component: lazyRouteComponent(pages.inbox, "InboxPage"),
});

const logs = createRoute({
  getParentRoute: () => shell,
  path: "/logs",
  validateSearch: readAddress,
  component: lazyRouteComponent(pages.logs, "LogsPage"),
});

const usage = createRoute({
  getParentRoute: () => shell,
  path: "/usage",
  component: lazyRouteComponent(pages.usage, "UsagePage"),
});

const workflows = createRoute({
  getParentRoute: () => shell,
  path: "/workflows",
  validateSearch: (search: Record<string, unknown>): { state?: string } =>
    typeof search.state === "string" && search.state ? { state: search.state } : {},
  component: lazyRouteComponent(pages.workflows, "WorkflowsPage"),
});

const run = createRoute({
  getParentRoute: () => shell,
  path: "/workflows/$run",
  validateSearch: (search: Record<string, unknown>): { step?: string } =>
    typeof search.step === "string" && search.step ? { step: search.step } : {},
  component: lazyRouteComponent(() => import("~/pages/workflows/RunPage"), "RunPage"),
});

const audit = createRoute({
  getParentRoute: () => shell,
  path: "/audit",
  validateSearch: readAudit,
  component: lazyRouteComponent(pages.audit, "AuditPage"),
});

const settings = createRoute({
  getParentRoute: () => shell,
  path: "/settings",
  component: lazyRouteComponent(pages.settings, "SettingsPage"),
});

/** Where a page is, as far as it tells what the page begins with. */
export interface Place {
  /** What the address names: a session, on the page of one. */
  readonly key: string;
  readonly search: Record<string, unknown>;
}

/** While React starts, load the code of the page at an address, and what the page begins with. */
export function loadAhead({ pathname, search, hash }: Location): void {
  const [first = "", key = ""] = belowBase(pathname).slice(1).split("/");
  const name = first === "" ? "home" : first === "sign-in" ? "signIn" : first;
  if (!(name in pages)) return;
  // A page that is shared signs in first.
  const live = name === "signIn" || isShare(hash) ? null : connected().live;
  pages[name as keyof typeof pages]().then(
    (page) => live && "askAhead" in page && page.askAhead(live, { key, search: defaultParseSearch(search) }),
    // Page code that cannot be loaded is told when it is shown.
    () => undefined,
  );
}

export const router = createRouter({
  basepath: BASE,
  routeTree: root.addChildren([
    signIn,
    shell.addChildren([home, session, inbox, logs, usage, workflows, run, audit, settings]),
  ]),
  defaultPreload: "intent",
  defaultErrorComponent: PageBroke,
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
