import { Store, type Readable } from "~/live/wire/store";

export type Theme = "light" | "dark" | "system";

/** The same key as in `public/theme.js`, which sets the theme before the first paint. */
const STORED = "relaycast.theme";
const system = typeof matchMedia === "function" ? matchMedia("(prefers-color-scheme: dark)") : null;
const chosen = new Store<Theme>(read());

function read(): Theme {
  try {
    const stored = localStorage.getItem(STORED);
    return stored === "light" || stored === "dark" ? stored : "system";
  } catch {
    return "system";
  }
}

function apply(): void {
  const theme = chosen.get();
  const dark = theme === "dark" || (theme === "system" && (system?.matches ?? false));
  document.documentElement.dataset.theme = dark ? "dark" : "light";
}

system?.addEventListener("change", apply);

/** The person's choice. */
export const theme: Readable<Theme> = chosen;

/** Choose, and remember where the browser allows. */
export function setTheme(next: Theme): void {
  chosen.set(next);
  apply();
  try {
    if (next === "system") localStorage.removeItem(STORED);
    else localStorage.setItem(STORED, next);
  } catch {
    // It holds for this page alone then.
  }
}
