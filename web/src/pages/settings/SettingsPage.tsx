import { Icon, type IconName } from "~/design/Icon";
import { PageHead } from "~/design/PageHead";
import { classes } from "~/design/classes";
import { setTheme, theme, type Theme } from "~/app/theme";
import { useReadable } from "~/live/useReadable";
import { SignOut } from "./SignOut";
import { SingleSignOnSettings } from "./single-sign-on/SingleSignOnSettings";
import { StopWorkspace } from "./StopWorkspace";
import { WorkspaceSettings } from "./WorkspaceSettings";
import * as texts from "~/texts";

const THEMES: { name: Theme; title: string; icon: IconName }[] = [
  { name: "light", title: texts.settings.light, icon: "sun" },
  { name: "dark", title: texts.settings.dark, icon: "moon" },
  { name: "system", title: texts.settings.system, icon: "screen" },
];

/** How the dashboard looks, stopping everything, and leaving it. */
export function SettingsPage() {
  const chosen = useReadable(theme);
  return (
    <>
      <PageHead title={texts.settings.title} />
      <div className="mx-auto flex w-full max-w-2xl flex-col gap-10 px-4 py-8">
        <fieldset>
          <legend className="mb-3 text-base font-semibold">{texts.settings.appearance}</legend>
          <div className="grid grid-cols-3 gap-2">
            {THEMES.map(({ name, title, icon }) => (
              <label
                key={name}
                className={classes(
                  "flex h-20 cursor-pointer flex-col items-center justify-center gap-2 rounded-lg border has-focus-visible:outline-2 has-focus-visible:outline-offset-2",
                  chosen === name
                    ? "border-accent bg-accent-soft text-accent-text"
                    : "border-line text-soft hover:bg-hover",
                )}
              >
                <input
                  type="radio"
                  name="theme"
                  className="sr-only"
                  checked={chosen === name}
                  onChange={() => setTheme(name)}
                />
                <Icon name={icon} />
                {title}
              </label>
            ))}
          </div>
        </fieldset>
        <WorkspaceSettings />
        <SingleSignOnSettings />
        <StopWorkspace />
        <SignOut />
      </div>
    </>
  );
}
