import { useCallback, useEffect, useRef, useState } from "react";
import { useLive } from "~/live/LiveContext";
import { INBOX } from "./documents";
import { changed, NOTHING, swept, told, type InboxList } from "./inboxList";

export type InboxState =
  | { readonly state: "loading" }
  | { readonly state: "failed"; readonly message: string }
  | { readonly state: "ready"; readonly list: InboxList };

/**
 * What needs a person, followed for as long as the component is shown. While it is held, because a pointer is over it,
 * nothing in it moves.
 */
export function useInbox(): { state: InboxState; hold: (held: boolean) => void } {
  const live = useLive();
  const held = useRef(false);
  const [state, setState] = useState<InboxState>({ state: "loading" });
  const update = useCallback((change: (list: InboxList) => InboxList) => {
    setState((before) => {
      const list = change(before.state === "ready" ? before.list : NOTHING);
      return { state: "ready", list: held.current ? list : swept(list) };
    });
  }, []);
  useEffect(
    () =>
      live.subscribe(INBOX, () => ({}), {
        next: ({ needs }) =>
          update((list) =>
            needs.__typename === "NeedsSnapshot" ? told(list, needs.needs) : changed(list, needs),
          ),
        failed: (message) => setState({ state: "failed", message }),
      }),
    [live, update],
  );
  const hold = useCallback((now: boolean) => {
    held.current = now;
    if (!now)
      setState((before) => {
        if (before.state !== "ready") return before;
        const list = swept(before.list);
        return list === before.list ? before : { state: "ready", list };
      });
  }, []);
  return { state, hold };
}
