import { useEffect, useState } from "react";
import { said } from "~/live/wire/http";
import { useLive } from "~/live/LiveContext";
import { CHANGES, type ChangeEntry } from "../documents";
import * as texts from "~/texts";

export interface Changes {
  readonly state: "loading" | "ready" | "missing" | "failed";
  readonly message?: string;
  readonly entries: readonly ChangeEntry[];
  /** Where older ones go on; null when there are none. */
  readonly next: string | null;
}

const LOADING: Changes = { state: "loading", entries: [], next: null };

/** What a session's agents changed in files, the newest first; older ones on demand. */
export function useChanges(session: string) {
  const { unkept } = useLive();
  const [known, setKnown] = useState(LOADING);
  const [asked, setAsked] = useState<string | null>(null);
  useEffect(() => {
    let wanted = true;
    void unkept
      .query(CHANGES, { session, agent: null, after: asked })
      .toPromise()
      .then(({ data, error }) => {
        if (!wanted) return;
        const page = data?.session?.changes;
        if (page)
          setKnown((now) => ({
            state: "ready",
            entries: asked === null ? page.nodes : [...now.entries, ...page.nodes],
            next: page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null,
          }));
        else if (data) setKnown({ ...LOADING, state: "missing", message: texts.logs.changesGone });
        else setKnown((now) => ({ ...now, state: "failed", message: said(error) }));
      });
    return () => {
      wanted = false;
    };
  }, [unkept, session, asked]);
  return { ...known, older: () => setAsked(known.next) };
}
