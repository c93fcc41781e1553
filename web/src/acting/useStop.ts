import { useMemo } from "react";
import type { Stop } from "~/live/documents";
import { useWorkspace } from "~/live/LiveContext";
import { useReadable } from "~/live/useReadable";
import { machinesOf, mayStop, type Target } from "./stopping";

/** All that is stopped, the widest first. */
export function useStops(): readonly Stop[] {
  const overview = useReadable(useWorkspace().overview);
  return overview.state === "ready" ? overview.value.workspace.stops : [];
}

/** The stop of just this place; undefined while it is not stopped. */
export function useStop({ scope, ofKey }: Pick<Target, "scope" | "ofKey">): Stop | undefined {
  return useStops().find((stop) => stop.scope === scope && stop.ofKey === ofKey);
}

/** Whether the viewer may stop and resume it. The broker decides at each request. */
export function useMayStop(target: Pick<Target, "scope" | "ofKey">): boolean {
  const overview = useReadable(useWorkspace().overview);
  const known = overview.state === "ready" ? overview.value : undefined;
  const stopper = useMemo(
    () => ({
      permissions: new Set<string>(known?.viewer.permissions),
      machines: machinesOf(known?.viewer.memberKey ?? null, known?.workspace.proxies?.nodes ?? []),
    }),
    [known],
  );
  return mayStop(target, stopper);
}
