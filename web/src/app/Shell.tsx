import { Outlet, useNavigate, useRouterState } from "@tanstack/react-router";
import { Suspense, useEffect, useRef, useState } from "react";
import { IconButton } from "~/design/Button";
import { Icon } from "~/design/Icon";
import { Kbd } from "~/design/Kbd";
import { countInTab } from "~/design/tab";
import { inBase } from "~/live/wire/base";
import { setShare } from "~/live/wire/guest";
import { LiveProvider, useLive, useWorkspace } from "~/live/LiveContext";
import { useReadable } from "~/live/useReadable";
import { countOf } from "~/live/workspace";
import { lazily } from "~/live/wire/code";
import { ActingCommands } from "~/acting/ActingCommands";
import { AnsweringCommands } from "~/answering/AnsweringCommands";
import { WorkspaceStopBanner } from "~/acting/StopBanner";
import { Banner } from "./Banner";
import { keepPlace } from "./cameFrom";
import { connected } from "./connected";
import { Permitted } from "./Permitted";
import { Sidebar } from "./Sidebar";
import { useShellCommands } from "./shellCommands";
import { unshown } from "./toast";
import * as texts from "~/texts";

const Account = lazily(() => import("./Account").then((m) => ({ default: m.Account })));
const MenuDrawer = lazily(() => import("./MenuDrawer").then((m) => ({ default: m.MenuDrawer })));
const Palette = lazily(() => import("./Palette").then((m) => ({ default: m.Palette })));
const ShortcutsHelp = lazily(() => import("./ShortcutsHelp").then((m) => ({ default: m.ShortcutsHelp })));

const WorkspaceSwitcher = lazily(() =>
  import("./WorkspaceSwitcher").then((m) => ({ default: m.WorkspaceSwitcher })),
);
const Toasts = lazily(() => import("./Toasts").then((m) => ({ default: m.Toasts })));

type Opened = "palette" | "shortcuts" | "menu" | null;

/** What surrounds every page: the way through, the truth about the connection, the palette, the toasts. */
export function Shell() {
  return (
    <LiveProvider connected={connected()}>
      <Frame />
    </LiveProvider>
  );
}

function Frame() {
  const [opened, setOpened] = useState<Opened>(null);
  const close = () => setOpened(null);
  useShellCommands({ palette: () => setOpened("palette"), shortcuts: () => setOpened("shortcuts") });
  useSignInWhenSignedOut();
  useCountInTab();
  const main = useFocusOnNavigation();
  return (
    <div className="flex h-full flex-col">
      <a
        href="#main"
        className="absolute top-2 left-2 z-50 -translate-y-16 rounded-md bg-accent px-3 py-2 font-medium text-on-accent focus:translate-y-0"
        onClick={(event) => {
          event.preventDefault();
          main.current?.focus();
        }}
      >
        {texts.shell.skip}
      </a>
      <Banner />
      <WorkspaceStopBanner />
      <div className="flex min-h-0 flex-1">
        <aside className="hidden w-56 shrink-0 flex-col border-r border-line bg-sunk md:flex">
          <Head onPalette={() => setOpened("palette")} />
          <Sidebar />
          <Suspense>
            <Account />
          </Suspense>
        </aside>
        <div className="flex min-w-0 flex-1 flex-col">
          <PhoneBar onMenu={() => setOpened("menu")} onPalette={() => setOpened("palette")} />
          <main
            id="main"
            ref={main}
            tabIndex={-1}
            className="flex min-h-0 flex-1 flex-col overflow-y-auto outline-none"
          >
            <Permitted>
              <Outlet />
            </Permitted>
          </main>
        </div>
      </div>
      <Suspense>
        {opened === "menu" && <MenuDrawer onClose={close} />}
        {opened === "palette" && <Palette open onClose={close} />}
        {opened === "shortcuts" && <ShortcutsHelp open onClose={close} />}
      </Suspense>
      <AnsweringCommands />
      <ActingCommands />
      <SaidSoFar />
    </div>
  );
}

/** Nothing is loaded for toasts before there is one. */
function SaidSoFar() {
  const isSaid = useReadable(unshown).length > 0;
  const [wasSaid, setWasSaid] = useState(isSaid);
  if (isSaid && !wasSaid) setWasSaid(true);
  return <Suspense>{wasSaid && <Toasts />}</Suspense>;
}

function Head({ onPalette }: { onPalette: () => void }) {
  const overview = useReadable(useWorkspace().overview);
  const name = (
    <span className="truncate font-semibold">
      {overview.state === "ready" ? overview.value.workspace.name : "Relaycast"}
    </span>
  );
  return (
    <header className="flex flex-col gap-2 p-2">
      <div className="flex h-8 items-center gap-2 px-2">
        <img src={inBase("/icon.svg")} alt="" width="20" height="20" />
        <Suspense fallback={name}>
          {overview.state === "ready" && overview.value.viewer.workspaces.length > 1 ? (
            <WorkspaceSwitcher overview={overview.value} />
          ) : (
            name
          )}
        </Suspense>
      </div>
      <button
        type="button"
        onClick={onPalette}
        className="flex h-8 items-center gap-2 rounded-md border border-line bg-surface px-2 text-faint transition-colors hover:text-text"
      >
        <Icon name="search" />
        <span className="flex-1 truncate text-left">{texts.shell.searchOrAct}</span>
        <Kbd keys="mod+k" />
      </button>
    </header>
  );
}

function PhoneBar({ onMenu, onPalette }: { onMenu: () => void; onPalette: () => void }) {
  const count = countOf(useReadable(useWorkspace().needs));
  return (
    <header className="flex h-12 shrink-0 items-center gap-1 border-b border-line px-2 md:hidden">
      <span className="relative">
        <IconButton label={count > 0 ? texts.shell.menuWaiting(count) : texts.shell.menu} onClick={onMenu}>
          <Icon name="menu" />
        </IconButton>
        {count > 0 && (
          <span
            aria-hidden="true"
            className="absolute top-1 right-1 size-2 rounded-full bg-warn pointer-coarse:top-2.5 pointer-coarse:right-2.5"
          />
        )}
      </span>
      <img src={inBase("/icon.svg")} alt="" width="20" height="20" className="ml-1" />
      <span className="flex-1 pl-1 font-semibold">Relaycast</span>
      <IconButton label={texts.shell.searchOrAct} onClick={onPalette}>
        <Icon name="search" />
      </IconButton>
    </header>
  );
}

/** A person whose credential ended is led to the sign-in page, and from there back here. */
function useSignInWhenSignedOut(): void {
  const { state } = useReadable(useLive().connection.state);
  const navigate = useNavigate();
  useEffect(() => {
    if (state !== "signed-out") return;
    setShare(null);
    keepPlace(location);
    void navigate({ to: "/sign-in" });
  }, [state, navigate]);
}

function useCountInTab(): void {
  const count = countOf(useReadable(useWorkspace().needs));
  useEffect(() => countInTab(count), [count]);
}

/** After a navigation the content has the focus, so that a screen reader and Tab go on there. */
function useFocusOnNavigation() {
  const main = useRef<HTMLElement>(null);
  const path = useRouterState({ select: (state) => state.resolvedLocation?.pathname });
  const shown = useRef(path);
  useEffect(() => {
    if (shown.current !== undefined && shown.current !== path) main.current?.focus({ preventScroll: true });
    shown.current = path;
  }, [path]);
  return main;
}
