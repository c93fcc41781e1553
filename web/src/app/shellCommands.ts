import { useNavigate } from "@tanstack/react-router";
import { useWorkspace } from "~/live/LiveContext";
import { useReadable } from "~/live/useReadable";
import { useCommands, type Command } from "./commands";
import { setTheme, type Theme } from "./theme";
import * as texts from "~/texts";

const PAGES = [
  { to: "/", title: texts.home.title, keys: "g h" },
  { to: "/inbox", title: texts.inbox.title, keys: "g i", words: texts.shell.inboxWords },
  { to: "/logs", title: texts.logs.title, keys: "g l", words: texts.shell.logsWords },
  { to: "/workflows", title: texts.workflows.title, keys: "g w", words: texts.shell.workflowsWords },
  { to: "/usage", title: texts.usage.title, keys: "g u", words: texts.shell.usageWords },
  { to: "/audit", title: texts.audit.title, keys: "g a", words: texts.shell.auditWords },
  { to: "/settings", title: texts.settings.title, keys: "g s", words: texts.shell.settingsWords },
] as const;

const THEMES: Theme[] = ["light", "dark", "system"];

/** The commands that are there on every page. */
export function useShellCommands(open: { palette: () => void; shortcuts: () => void }): void {
  const navigate = useNavigate();
  const overview = useReadable(useWorkspace().overview);
  const sessions = overview.state === "ready" ? overview.value.workspace.sessions.nodes : [];
  const offered: Command[] = [
    {
      id: "palette",
      title: texts.shell.searchOrAct,
      section: texts.shell.general,
      keys: "mod+k",
      hidden: true,
      run: open.palette,
    },
    {
      id: "shortcuts",
      title: texts.shell.shortcuts,
      section: texts.shell.general,
      keys: "?",
      run: open.shortcuts,
    },
    ...PAGES.map(({ to, title, keys, ...rest }) => ({
      ...rest,
      id: `go ${to}`,
      title,
      section: texts.shell.goTo,
      keys,
      run: () => void navigate({ to }),
    })),
    ...sessions.map(({ key, name }) => ({
      id: `session ${key}`,
      title: name,
      section: texts.shell.sessions,
      run: () => void navigate({ to: "/session/$key", params: { key } }),
    })),
    ...THEMES.map((theme) => ({
      id: `theme ${theme}`,
      title: texts.shell.useTheme(theme),
      section: texts.settings.appearance,
      run: () => setTheme(theme),
    })),
  ];
  useCommands(offered);
}
