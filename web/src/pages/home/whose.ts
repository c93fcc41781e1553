import type { Proxy } from "~/live/documents";

/** Whose a machine is, in words. */
export function whose(machine: Pick<Proxy, "ownerName" | "ownerKey" | "orphaned" | "adoption">): string {
  if (machine.orphaned) return machine.adoption ? "adopted, not linked again yet" : "owner removed";
  if (machine.ownerName) return `owned by ${machine.ownerName}`;
  return machine.ownerKey ? "owned by a member" : "owned by the workspace";
}
