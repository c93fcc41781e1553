import { IconButton } from "~/design/Button";
import { Icon } from "~/design/Icon";
import { Menu, MenuItem } from "~/design/Menu";
import type { Agent } from "~/live/documents";
import { useAgentActions } from "./useAgentActions";
import { usePermissions } from "./usePermissions";
import * as texts from "~/texts";

/** What can be done with one agent; nothing when nothing can. */
export function AgentMenu({ agent }: { agent: Agent }) {
  const actions = useAgentActions(usePermissions())(agent);
  if (actions.length === 0) return null;
  return (
    <Menu
      trigger={
        <IconButton label={texts.acting.actOn(agent.name)}>
          <Icon name="more" />
        </IconButton>
      }
    >
      {actions.map((action) => (
        <MenuItem key={action.id} danger={action.danger} onSelect={() => void action.run()}>
          {action.title}
        </MenuItem>
      ))}
    </Menu>
  );
}
