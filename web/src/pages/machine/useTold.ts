import { useEffect, useState } from "react";
import { useQuery } from "urql";
import { MACHINE, type Found } from "./documents";

/** As `relay-connect` tells its load. */
const TOLD_EVERY_MS = 30_000;
/** What a machine tells of itself follows its connection by a moment. */
const SETTLE_MS = 2000;

interface Told {
  readonly found: Found | null;
  /** Whether the first answer is on its way. */
  readonly waits: boolean;
}

/**
 * What a machine itself tells: asked anew as often as it tells its load, and whenever it comes or goes (`since`). An
 * answer stays while the broker gives no other: that it is away says nothing of the machine.
 */
export function useTold(id: string, since: string): Told {
  const [{ data, fetching }, again] = useQuery({ query: MACHINE, variables: { id } });
  useEffect(() => {
    const ask = () => again({ requestPolicy: "network-only" });
    const [soon, timer] = [setTimeout(ask, SETTLE_MS), setInterval(ask, TOLD_EVERY_MS)];
    return () => {
      clearTimeout(soon);
      clearInterval(timer);
    };
  }, [again, since]);
  const now = data?.node?.__typename === "Proxy" ? data.node : null;
  const [last, setLast] = useState(now);
  if (now && now !== last) setLast(now);
  const found = now ?? (last?.id === id ? last : null);
  return { found, waits: !found && fetching };
}
