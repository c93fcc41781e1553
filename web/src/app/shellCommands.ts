import { useNavigate } from "@tanstack/react-router";
import { useWorkspace } from "~/live/LiveContext";
import { useReadable } from "~/live/useReadable";
import { useCommands, type Command } from "./commands";
import { offeredPages } from "./pages";
import { setTheme, type Theme } from "./theme";
import * as texts from "~/texts";

const THEMES: Theme[] = ["light", "dark", "system"];

/** The commands that are there on every page. */
export function useShellCommands(open: { palette: () => void; shortcuts: () => void }): void {
  const navigate = useNavigate();
  const overview = useReadable(useWorkspace().overview);
  const sessions = overview.state === "ready" ? overview.value.workspace.sessions.nodes : [];
  const pages = offeredPages(overview.state === "ready" ? overview.value.viewer : null);
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
    ...pages.map(({ to, title, keys, ...rest }) => ({
      ...("words" in rest && { words: rest.words }),
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
