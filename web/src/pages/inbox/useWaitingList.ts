import { useEffect, useState } from "react";
import { useLive, useWorkspace } from "~/live/LiveContext";
import { useReadable } from "~/live/useReadable";
import { ASKED_FOR } from "./documents";
import { changed, fromSnapshot, NOTHING, type WaitingList } from "./waitingList";

export type WaitingState =
  | { readonly state: "loading" }
  | { readonly state: "failed"; readonly message: string }
  | { readonly state: "ready"; readonly list: WaitingList };

/** The approvals that wait, followed for as long as the component is shown. */
export function useWaitingList(): WaitingState {
  const live = useLive();
  const overview = useReadable(useWorkspace().overview);
  const known = overview.state === "ready";
  const session = known ? overview.value.viewer.sessionKey : null;
  const [state, setState] = useState<WaitingState>({ state: "loading" });
  useEffect(() => {
    if (!known) return;
    return live.subscribe(ASKED_FOR, () => ({ session }), {
      next: ({ approvals }) =>
        setState((before) => ({
          state: "ready",
          list:
            approvals.__typename === "ApprovalsSnapshot"
              ? fromSnapshot(approvals.approvals)
              : changed(before.state === "ready" ? before.list : NOTHING, approvals.approval),
        })),
      failed: (message) => setState({ state: "failed", message }),
    });
  }, [live, known, session]);
  return state;
}
