import type { Live } from "~/live/wire/live";
import type { Place } from "./place";

interface PageCode {
  readonly draws: () => Promise<object>;
  readonly asks?: () => Promise<{ readonly askAhead: (live: Live, place: Place) => void }>;
}

/**
 * The code of each page, loaded when the page is, by the first word of its address; "" is the first page. `draws`: what draws
 * it; `asks`: what it begins with, where that is more than every page knows.
 */
export const pageCode = {
  "": { draws: () => import("~/pages/home/HomePage") },
  session: {
    draws: () => import("~/pages/activity/ActivityPage"),
    asks: () => import("~/pages/activity/ahead"),
  },
  machine: { draws: () => import("~/pages/machine/MachinePage") },
  inbox: { draws: () => import("~/pages/inbox/InboxPage") },
  logs: { draws: () => import("~/pages/logs/LogsPage"), asks: () => import("~/pages/logs/ahead") },
  usage: { draws: () => import("~/pages/usage/UsagePage"), asks: () => import("~/pages/usage/ahead") },
  workflows: { draws: () => import("~/pages/workflows/WorkflowsPage") },
  rules: { draws: () => import("~/pages/rules/RulesPage"), asks: () => import("~/pages/rules/ahead") },
  hooks: { draws: () => import("~/pages/hooks/HooksPage") },
  people: { draws: () => import("~/pages/people/PeoplePage"), asks: () => import("~/pages/people/ahead") },
  groups: { draws: () => import("~/pages/groups/GroupsPage"), asks: () => import("~/pages/groups/ahead") },
  "access-tokens": {
    draws: () => import("~/pages/access-tokens/TokensPage"),
    asks: () => import("~/pages/access-tokens/ahead"),
  },
  audit: { draws: () => import("~/pages/audit/AuditPage"), asks: () => import("~/pages/audit/ahead") },
  settings: { draws: () => import("~/pages/settings/SettingsPage") },
  "sign-in": { draws: () => import("~/pages/sign-in/SignInPage") },
} satisfies Readonly<Record<string, PageCode>>;

/** The code of the page whose address begins with a word; null where there is no such page. */
export function codeOf(word: string): PageCode | null {
  // An address may hold any word, "constructor" too.
  return Object.hasOwn(pageCode, word) ? pageCode[word as keyof typeof pageCode] : null;
}
