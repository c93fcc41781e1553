import type { IconName } from "~/design/Icon";
import type { Overview } from "~/live/documents";
import * as texts from "~/texts";

/** The pages that somebody is led to, in their order; each is offered to who may see something there. */
const PAGES = [
  { to: "/", icon: "home", title: texts.home.title, keys: "g h", needs: "READ" },
  {
    to: "/inbox",
    icon: "inbox",
    title: texts.inbox.title,
    keys: "g i",
    words: texts.shell.inboxWords,
    needs: "READ",
    ofAllSessions: true,
  },
  {
    to: "/logs",
    icon: "logs",
    title: texts.logs.title,
    keys: "g l",
    words: texts.shell.logsWords,
    needs: "READ",
  },
  {
    to: "/workflows",
    icon: "workflow",
    title: texts.workflows.title,
    keys: "g w",
    words: texts.shell.workflowsWords,
    needs: "READ",
    ofAllSessions: true,
  },
  {
    to: "/hooks",
    icon: "hook",
    title: texts.hooks.title,
    keys: "g k",
    words: texts.shell.hooksWords,
    needs: "READ_WORKSPACE",
  },
  {
    to: "/usage",
    icon: "usage",
    title: texts.usage.title,
    keys: "g u",
    words: texts.shell.usageWords,
    needs: "METER",
  },
  {
    to: "/rules",
    icon: "check",
    title: texts.rules.title,
    keys: "g r",
    words: texts.shell.rulesWords,
    needs: "READ_WORKSPACE",
  },
  {
    to: "/people",
    icon: "people",
    title: texts.people.title,
    keys: "g p",
    words: texts.shell.peopleWords,
    needs: "ADMINISTER",
  },
  {
    to: "/groups",
    icon: "hash",
    title: texts.groups.title,
    keys: "g o",
    words: texts.shell.groupsWords,
    needs: "ADMINISTER",
  },
  {
    to: "/access-tokens",
    icon: "tool",
    title: texts.accessTokens.title,
    keys: "g t",
    words: texts.shell.tokensWords,
    needs: "READ",
    ofAllSessions: true,
  },
  {
    to: "/audit",
    icon: "file",
    title: texts.audit.title,
    keys: "g a",
    words: texts.shell.auditWords,
    needs: "ADMINISTER",
  },
  {
    to: "/settings",
    icon: "settings",
    title: texts.settings.title,
    keys: "g s",
    words: texts.shell.settingsWords,
    needs: null,
  },
] as const satisfies readonly {
  to: string;
  icon: IconName;
  title: string;
  keys: string;
  words?: string;
  /** The permission without which there is nothing to see. */
  needs: Overview["viewer"]["permissions"][number] | null;
  /** Whether there is nothing to see for who was shown one session. */
  ofAllSessions?: boolean;
}[];

/** One of them. */
export type OfferedPage = (typeof PAGES)[number];

/** Those that are offered to a viewer; before it is known who looks (null), what most may see: a page says the rest. */
export function offeredPages(viewer: Overview["viewer"] | null): readonly OfferedPage[] {
  if (viewer === null) return PAGES.filter(({ needs }) => needs !== "ADMINISTER");
  return PAGES.filter(
    (page) =>
      (page.needs === null || viewer.permissions.includes(page.needs)) &&
      !("ofAllSessions" in page && viewer.sessionKey !== null),
  );
}

/** Pages that say in words of their own what whoever may not see it may do instead, by the first part of their address. */
const OWN_WORDS: ReadonlySet<string> = new Set([
  "",
  "usage",
  "rules",
  "people",
  "groups",
  "access-tokens",
  "audit",
  "settings",
]);

/** The title of the page at an address that is closed to a viewer; null where it is open, or tells that itself. */
export function shutTitle(first: string, viewer: Overview["viewer"]): string | null {
  if (OWN_WORDS.has(first)) return null;
  const page = PAGES.find(({ to }) => to === `/${first}`);
  const needs = page?.needs ?? "READ";
  return viewer.permissions.includes(needs) ? null : (page?.title ?? texts.shell.notForRole);
}
