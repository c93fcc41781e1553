import { useMemo } from "react";
import { useWorkspace } from "~/live/LiveContext";
import { useReadable } from "~/live/useReadable";

/** The keys of the agents whose machine is away. */
export function useAwayAgents(): ReadonlySet<string> {
  const agents = useReadable(useWorkspace().agents);
  return useMemo(
    () =>
      new Set(
        agents.state === "ready"
          ? agents.value.filter((one) => !one.ended && one.awaySince !== null).map((one) => one.key)
          : [],
      ),
    [agents],
  );
}
