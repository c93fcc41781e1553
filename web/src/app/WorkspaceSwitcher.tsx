import { useId } from "react";
import { Icon } from "~/design/Icon";
import { inWorkspace } from "~/live/wire/base";
import type { Overview } from "~/live/documents";
import * as texts from "~/texts";

/**
 * Which workspace is shown, and links to the others that the viewer is in. The browser's own popover: it closes with
 * Escape or a click beside it, and nothing of a menu is loaded with the first page.
 */
export function WorkspaceSwitcher({ overview }: { overview: Overview }) {
  const id = useId();
  const { workspace, viewer } = overview;
  return (
    <>
      <button
        type="button"
        popoverTarget={id}
        aria-label={texts.shell.switchWorkspace(workspace.name)}
        className="flex h-8 min-w-0 flex-1 items-center gap-1 rounded-md font-semibold hover:text-text pointer-coarse:h-10"
      >
        <span className="truncate">{workspace.name}</span>
        <Icon name="chevron" className="shrink-0 text-faint" />
      </button>
      <ul
        id={id}
        popover="auto"
        className="fixed inset-auto top-11 left-2 m-0 max-h-[70vh] w-56 overflow-auto rounded-lg bg-raised p-1 text-text shadow-float"
      >
        {viewer.workspaces.map(({ key, slug, name }) => (
          <li key={key}>
            <a
              href={inWorkspace(slug)}
              aria-current={key === workspace.key ? "true" : undefined}
              className="flex h-8 items-center rounded-md px-2 hover:bg-hover aria-[current]:font-semibold pointer-coarse:h-10"
            >
              <span className="truncate">{name}</span>
            </a>
          </li>
        ))}
      </ul>
    </>
  );
}
