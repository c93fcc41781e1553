import { useMemo, useRef, useState } from "react";
import { NothingYet } from "~/acting/NothingYet";
import { Empty } from "~/design/Empty";
import { useNow } from "~/design/now";
import type { Session } from "~/live/documents";
import { useWorkspace } from "~/live/LiveContext";
import { useReadable } from "~/live/useReadable";
import { startCommand } from "~/live/startCommand";
import { FleetList } from "./FleetList";
import { FleetTools } from "./FleetTools";
import { arranged, counts, rowsOf, type Item } from "./model/fleet";
import { useFleetAddress } from "./useFleetAddress";
import * as texts from "~/texts";

/** The agents of all sessions, as the address asks for them. */
export function Fleet({ sessions }: { sessions: readonly Session[] }) {
  const workspace = useWorkspace();
  const agents = useReadable(workspace.agents);
  const waiting = useReadable(workspace.waiting);
  const now = useNow();
  const { address } = useFleetAddress();
  const hold = useHeldOrder();
  const names = useMemo(() => new Map(sessions.map(({ key, name }) => [key, name])), [sessions]);
  const rows = useMemo(
    () =>
      rowsOf(
        agents.state === "ready" ? agents.value : [],
        { sessions: names, waiting: waiting.state === "ready" ? waiting.value : [] },
        now,
      ),
    [agents, waiting, names, now],
  );
  const items = useMemo(() => arranged(rows, address, hold.held), [rows, address, hold.held]);
  if (rows.length === 0)
    return (
      <NothingYet
        title={texts.home.noAgents}
        how={texts.home.noAgentsHow}
        command={startCommand(sessions[0]?.name)}
      />
    );
  return (
    <>
      <FleetTools counts={counts(rows)} all={rows.length} />
      {items.length === 0 ? (
        <Empty title={texts.home.noneSo}>{texts.home.noneSoHow}</Empty>
      ) : (
        <FleetList items={items} onHold={(held) => hold.set(held ? items : null)} />
      )}
    </>
  );
}

/** Rows stay where they are while somebody points at one: a click is not to land on another agent. */
function useHeldOrder() {
  const [held, setHeld] = useState<readonly string[] | null>(null);
  const isHeld = useRef(false);
  const set = (items: readonly Item[] | null) => {
    if ((items !== null) === isHeld.current) return;
    isHeld.current = items !== null;
    setHeld(items?.filter((one) => one.type === "agent").map((one) => one.key) ?? null);
  };
  return { held, set };
}
