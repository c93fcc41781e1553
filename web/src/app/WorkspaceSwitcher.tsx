import { Icon } from "~/design/Icon";
import { Menu, MenuItem } from "~/design/Menu";
import { inWorkspace } from "~/live/base";
import type { Overview } from "~/live/documents";

/** Which workspace is shown, and the way to the others that the viewer is in. */
export function WorkspaceSwitcher({ overview }: { overview: Overview }) {
  const { workspace, viewer } = overview;
  return (
    <Menu
      trigger={
        <button
          type="button"
          aria-label={`Workspace ${workspace.name}, switch`}
          className="flex min-w-0 flex-1 items-center gap-1 rounded-md font-semibold hover:text-text"
        >
          <span className="truncate">{workspace.name}</span>
          <Icon name="chevron" className="shrink-0 text-faint" />
        </button>
      }
    >
      {viewer.workspaces.map(({ key, slug, name }) => (
        <MenuItem
          key={key}
          disabled={key === workspace.key}
          onSelect={() => location.assign(inWorkspace(slug))}
        >
          {name}
        </MenuItem>
      ))}
    </Menu>
  );
}
