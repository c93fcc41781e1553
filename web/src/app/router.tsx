import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
} from "@tanstack/react-router";
import { isShare } from "~/pages/sign-in/credential";
import { NoSuchPage, PageBroke } from "./ErrorBoundary";
import { Shell } from "./Shell";
import { readAddress } from "~/pages/logs/model/address";

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
  component: lazyRouteComponent(() => import("~/pages/sign-in/SignInPage"), "SignInPage"),
});

const home = createRoute({
  getParentRoute: () => shell,
  path: "/",
  component: lazyRouteComponent(() => import("~/pages/home/HomePage"), "HomePage"),
});

const session = createRoute({
  getParentRoute: () => shell,
  path: "/session/$key",
  validateSearch: (search: Record<string, unknown>): { agent?: string } =>
    typeof search.agent === "string" && search.agent ? { agent: search.agent } : {},
  component: lazyRouteComponent(() => import("~/pages/activity/ActivityPage"), "ActivityPage"),
});

const inbox = createRoute({
  getParentRoute: () => shell,
  path: "/inbox",
  component: lazyRouteComponent(() => import("~/pages/inbox/InboxPage"), "InboxPage"),
});

const logs = createRoute({
  getParentRoute: () => shell,
  path: "/logs",
  validateSearch: readAddress,
  component: lazyRouteComponent(() => import("~/pages/logs/LogsPage"), "LogsPage"),
});

const usage = createRoute({
  getParentRoute: () => shell,
  path: "/usage",
  component: lazyRouteComponent(() => import("~/pages/usage/UsagePage"), "UsagePage"),
});

const settings = createRoute({
  getParentRoute: () => shell,
  path: "/settings",
  component: lazyRouteComponent(() => import("~/pages/settings/SettingsPage"), "SettingsPage"),
});

export const router = createRouter({
  routeTree: root.addChildren([signIn, shell.addChildren([home, session, inbox, logs, usage, settings])]),
  defaultPreload: "intent",
  defaultErrorComponent: PageBroke,
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
