import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
} from "@tanstack/react-router";
import { BASE, belowBase } from "~/live/wire/base";
import { patiently } from "~/live/wire/code";
import { readAddress as readSignIn } from "~/pages/sign-in/address";
import { isShare } from "~/pages/sign-in/credential";
import { NoSuchPage, PageBroke } from "./ErrorBoundary";
import { codeOf, pageCode } from "./pageCode";
import { Shell } from "./Shell";
import { readAddress as readFleet } from "~/pages/home/model/address";
import { readAddress as readAudit } from "~/pages/audit/address";
import { readAddress as readHooks } from "~/pages/hooks/address";
import { readAddress } from "~/pages/logs/model/address";
import { readWanted } from "~/pages/workflows/model/history";

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
  validateSearch: readSignIn,
  component: lazyRouteComponent(patiently(pageCode["sign-in"].draws), "SignInPage"),
});

const home = createRoute({
  getParentRoute: () => shell,
  path: "/",
  validateSearch: readFleet,
  component: lazyRouteComponent(patiently(pageCode[""].draws), "HomePage"),
});

const session = createRoute({
  getParentRoute: () => shell,
  path: "/session/$key",
  validateSearch: (search: Record<string, unknown>): { agent?: string; entry?: string } => ({
    ...(typeof search.agent === "string" && search.agent && { agent: search.agent }),
    ...(typeof search.entry === "string" && search.entry && { entry: search.entry }),
  }),
  component: lazyRouteComponent(patiently(pageCode.session.draws), "ActivityPage"),
});

const machine = createRoute({
  getParentRoute: () => shell,
  path: "/machine/$key",
  component: lazyRouteComponent(patiently(pageCode.machine.draws), "MachinePage"),
});

const inbox = createRoute({
  getParentRoute: () => shell,
  path: "/inbox",
  component: lazyRouteComponent(patiently(pageCode.inbox.draws), "InboxPage"),
});

const logs = createRoute({
  getParentRoute: () => shell,
  path: "/logs",
  validateSearch: readAddress,
  component: lazyRouteComponent(patiently(pageCode.logs.draws), "LogsPage"),
});

const usage = createRoute({
  getParentRoute: () => shell,
  path: "/usage",
  component: lazyRouteComponent(patiently(pageCode.usage.draws), "UsagePage"),
});

const workflows = createRoute({
  getParentRoute: () => shell,
  path: "/workflows",
  validateSearch: readWanted,
  component: lazyRouteComponent(patiently(pageCode.workflows.draws), "WorkflowsPage"),
});

const run = createRoute({
  getParentRoute: () => shell,
  path: "/workflows/$run",
  validateSearch: (search: Record<string, unknown>): { step?: string } =>
    typeof search.step === "string" && search.step ? { step: search.step } : {},
  component: lazyRouteComponent(
    patiently(() => import("~/pages/workflows/RunPage")),
    "RunPage",
  ),
});

const workflowFiles = createRoute({
  getParentRoute: () => shell,
  path: "/workflows/files",
  validateSearch: (search: Record<string, unknown>): { from?: string } =>
    typeof search.from === "string" && search.from ? { from: search.from } : {},
  component: lazyRouteComponent(
    patiently(() => import("~/pages/workflows/FilesPage")),
    "FilesPage",
  ),
});

const comparison = createRoute({
  getParentRoute: () => shell,
  path: "/workflows/$run/compare/$other",
  component: lazyRouteComponent(
    patiently(() => import("~/pages/workflows/ComparePage")),
    "ComparePage",
  ),
});

const rules = createRoute({
  getParentRoute: () => shell,
  path: "/rules",
  component: lazyRouteComponent(patiently(pageCode.rules.draws), "RulesPage"),
});

const hooks = createRoute({
  getParentRoute: () => shell,
  path: "/hooks",
  validateSearch: readHooks,
  component: lazyRouteComponent(patiently(pageCode.hooks.draws), "HooksPage"),
});

const people = createRoute({
  getParentRoute: () => shell,
  path: "/people",
  validateSearch: (search: Record<string, unknown>): { q?: string } =>
    typeof search.q === "string" && search.q ? { q: search.q } : {},
  component: lazyRouteComponent(patiently(pageCode.people.draws), "PeoplePage"),
});

const groups = createRoute({
  getParentRoute: () => shell,
  path: "/groups",
  validateSearch: (search: Record<string, unknown>): { q?: string; group?: string } => ({
    ...(typeof search.q === "string" && search.q && { q: search.q }),
    ...(typeof search.group === "string" && search.group && { group: search.group }),
  }),
  component: lazyRouteComponent(patiently(pageCode.groups.draws), "GroupsPage"),
});

const accessTokens = createRoute({
  getParentRoute: () => shell,
  path: "/access-tokens",
  component: lazyRouteComponent(patiently(pageCode["access-tokens"].draws), "TokensPage"),
});

const audit = createRoute({
  getParentRoute: () => shell,
  path: "/audit",
  validateSearch: readAudit,
  component: lazyRouteComponent(patiently(pageCode.audit.draws), "AuditPage"),
});

const settings = createRoute({
  getParentRoute: () => shell,
  path: "/settings",
  component: lazyRouteComponent(patiently(pageCode.settings.draws), "SettingsPage"),
});

/** While React starts, load the code of the page at an address. */
export function loadAhead({ pathname }: Location): void {
  const [first = ""] = belowBase(pathname).slice(1).split("/");
  // Page code that cannot be loaded is told when it is shown.
  codeOf(first)
    ?.draws()
    .catch(() => undefined);
}

export const router = createRouter({
  basepath: BASE,
  routeTree: root.addChildren([
    signIn,
    shell.addChildren([
      home,
      session,
      machine,
      inbox,
      logs,
      usage,
      workflows,
      workflowFiles,
      comparison,
      run,
      rules,
      hooks,
      people,
      groups,
      accessTokens,
      audit,
      settings,
    ]),
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
