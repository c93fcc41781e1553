import { useMemo } from "react";
import { useWorkspace } from "~/live/LiveContext";
import { useReadable } from "~/live/useReadable";

/** What the viewer may do. The broker decides at each request; this only spares people buttons that would be refused. */
export function usePermissions(): ReadonlySet<string> {
  const overview = useReadable(useWorkspace().overview);
  const granted = overview.state === "ready" ? overview.value.viewer.permissions : undefined;
  return useMemo(() => new Set<string>(granted), [granted]);
}
