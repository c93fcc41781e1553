import { useMemo } from "react";
import { useWorkspace } from "./LiveContext";
import { useReadable } from "./useReadable";

/** What sessions are called, by their keys. */
export function useSessionNames(): ReadonlyMap<string, string> {
  const overview = useReadable(useWorkspace().overview);
  return useMemo(() => {
    const sessions = overview.state === "ready" ? overview.value.workspace.sessions.nodes : [];
    return new Map(sessions.map(({ key, name }) => [key, name]));
  }, [overview]);
}
