import type { Proxy } from "~/live/documents";
import * as texts from "~/texts";

/** Whose a machine is, in words. */
export function whose(machine: Pick<Proxy, "ownerName" | "ownerKey" | "orphaned" | "adoption">): string {
  if (machine.orphaned) return machine.adoption ? texts.machine.adopted : texts.machine.ownerRemoved;
  if (machine.ownerName) return texts.machine.ownedBy(machine.ownerName);
  return machine.ownerKey ? texts.machine.ownedByMember : texts.machine.ownedByWorkspace;
}
