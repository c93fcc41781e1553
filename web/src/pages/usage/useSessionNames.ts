import { useWorkspace } from "~/live/LiveContext";
import { useReadable } from "~/live/useReadable";

/** Names of sessions by key; one that is gone has none. */
export function useSessionNames(): (key: string | null) => string {
  const overview = useReadable(useWorkspace().overview);
  const sessions = overview.state === "ready" ? overview.value.workspace.sessions.nodes : [];
  return (key) => sessions.find((one) => one.key === key)?.name ?? "(gone)";
}
