import type { Proxy } from "~/live/documents";
import * as texts from "~/texts";

/** Whose a machine is, in words. */
export function whose(machine: Pick<Proxy, "ownerName" | "ownerKey" | "orphaned" | "adoption">): string {
  if (machine.orphaned) return machine.adoption ? texts.home.adopted : texts.home.ownerRemoved;
  if (machine.ownerName) return texts.home.ownedBy(machine.ownerName);
  return machine.ownerKey ? texts.home.ownedByMember : texts.home.ownedByWorkspace;
}
