import { commands } from "~/app/commands";
import { Button } from "~/design/Button";
import { Icon } from "~/design/Icon";
import { usePermissions } from "./usePermissions";
import * as texts from "~/texts";

/** Opens the dialog that spawns an agent, for who may; the command of the same name does the same. */
export function SpawnButton() {
  if (!usePermissions().has("SPAWN")) return null;
  return (
    <Button size="small" onClick={() => commands.run("spawn")} aria-keyshortcuts="n">
      <Icon name="plus" width="13" height="13" />
      {texts.acting.spawnAnAgent}
    </Button>
  );
}
