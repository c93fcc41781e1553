import { useNavigate } from "@tanstack/react-router";
import { useWorkspace } from "~/live/LiveContext";
import { useReadable } from "~/live/useReadable";
import { useCommands, type Command } from "./commands";
import { setTheme, type Theme } from "./theme";

const PAGES = [
  { to: "/", title: "Home", keys: "g h" },
  { to: "/inbox", title: "Needs you", keys: "g i", words: "inbox approvals permissions" },
  { to: "/logs", title: "Logs", keys: "g l", words: "search tail" },
  { to: "/usage", title: "Usage", keys: "g u", words: "tokens cost plan" },
  { to: "/settings", title: "Settings", keys: "g s", words: "theme sign out" },
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
      title: "Search or act",
      section: "General",
      keys: "mod+k",
      hidden: true,
      run: open.palette,
    },
    { id: "shortcuts", title: "Keyboard shortcuts", section: "General", keys: "?", run: open.shortcuts },
    ...PAGES.map(({ to, title, keys, ...rest }) => ({
      ...rest,
      id: `go ${to}`,
      title,
      section: "Go to",
      keys,
      run: () => void navigate({ to }),
    })),
    ...sessions.map(({ key, name }) => ({
      id: `session ${key}`,
      title: name,
      section: "Sessions",
      run: () => void navigate({ to: "/session/$key", params: { key } }),
    })),
    ...THEMES.map((theme) => ({
      id: `theme ${theme}`,
      title: `Use the ${theme} theme`,
      section: "Appearance",
      run: () => setTheme(theme),
    })),
  ];
  useCommands(offered);
}
