import { Link } from "@tanstack/react-router";
import { useId } from "react";
import { Icon } from "~/design/Icon";
import { useWorkspace } from "~/live/LiveContext";
import { useReadable } from "~/live/useReadable";
import { roleWords } from "~/pages/people/roles";
import * as texts from "~/texts";

/** Who the viewer is, and what their role allows: at the foot of the menu, on every page. */
export function Account() {
  const id = useId();
  const overview = useReadable(useWorkspace().overview);
  if (overview.state !== "ready") return null;
  const { viewer, workspace } = overview.value;
  const words = viewer.role
    ? roleWords(viewer.role)
    : { title: texts.account.kind(viewer.kind), means: texts.account.kindMeans(viewer.kind) };
  return (
    <div className="border-t border-line p-2">
      <button
        type="button"
        popoverTarget={id}
        className="flex w-full min-w-0 items-center gap-2 rounded-md px-2 py-1.5 text-left hover:bg-hover pointer-coarse:min-h-11"
      >
        <span className="sr-only">{texts.account.label}</span>
        <span className="min-w-0 flex-1">
          <span className="block truncate font-medium">{viewer.name}</span>
          <span className="block truncate text-2xs text-faint">{words.title}</span>
        </span>
        <Icon name="chevron" className="shrink-0 text-faint" />
      </button>
      <div
        id={id}
        popover="auto"
        className="fixed inset-auto bottom-14 left-2 m-0 w-64 max-w-[90vw] rounded-lg bg-raised p-3 text-text shadow-float"
      >
        <p className="font-medium break-words">{viewer.name}</p>
        <p className="text-xs text-soft">{texts.account.inWorkspace(words.title, workspace.name)}</p>
        <p className="mt-2 text-xs text-pretty text-soft">{words.means}</p>
        <Link to="/settings" className="mt-3 inline-block text-accent-text underline">
          {texts.account.settings}
        </Link>
      </div>
    </div>
  );
}
