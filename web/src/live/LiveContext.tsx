import { createContext, use, type ReactNode } from "react";
import { Provider } from "urql";
import type { Live } from "./wire/live";
import type { Workspace } from "./workspace";

interface Connected {
  readonly live: Live;
  readonly workspace: Workspace;
}

const Context = createContext<Connected | null>(null);

/** Gives the pages below it the connection to the broker; urql's hooks work there too. */
export function LiveProvider({ connected, children }: { connected: Connected; children: ReactNode }) {
  return (
    <Context value={connected}>
      <Provider value={connected.live.queries}>{children}</Provider>
    </Context>
  );
}

function useConnected(): Connected {
  const connected = use(Context);
  if (!connected) throw new Error("no connection above this component");
  return connected;
}

/** The connection to the broker. */
export function useLive(): Live {
  return useConnected().live;
}

/** What is followed for the whole workspace: sessions, agents, approvals that wait. */
export function useWorkspace(): Workspace {
  return useConnected().workspace;
}
