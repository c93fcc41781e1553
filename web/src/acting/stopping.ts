import type { Proxy, Stop } from "~/live/documents";

/** What can be stopped and resumed: a session, a machine or the workspace. */
export type Target = Pick<Stop, "scope" | "ofKey" | "name">;

/** Who looks, as far as it decides what they may stop. */
export interface Stopper {
  readonly permissions: ReadonlySet<string>;
  /** The keys of the machines that are theirs. */
  readonly machines: ReadonlySet<string>;
}

/** The keys of a member's machines. */
export function machinesOf(member: string | null, proxies: readonly Proxy[]): ReadonlySet<string> {
  return new Set(proxies.filter((one) => member !== null && one.ownerKey === member).map((one) => one.key));
}

/** Whether somebody may stop and resume it, as the broker decides. */
export function mayStop(
  { scope, ofKey }: Pick<Target, "scope" | "ofKey">,
  { permissions, machines }: Stopper,
): boolean {
  switch (scope) {
    case "SESSION":
      return permissions.has("SEND") && permissions.has("RELEASE");
    case "MACHINE":
      return permissions.has("ADMINISTER") || (ofKey !== null && machines.has(ofKey));
    case "WORKSPACE":
      return permissions.has("ADMINISTER");
  }
}

/** How a mutation names it. */
export function placeOf({ scope, ofKey }: Target) {
  return {
    session: scope === "SESSION" ? ofKey : null,
    proxy: scope === "MACHINE" ? ofKey : null,
    workspace: scope === "WORKSPACE",
  };
}
