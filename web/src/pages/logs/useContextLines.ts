import { useEffect, useState } from "react";
import { eventPage } from "~/live/log/eventPages";
import { EVENTS_AFTER, type SessionEvent } from "~/live/log/events";
import { said } from "~/live/wire/http";
import { useLive } from "~/live/LiveContext";
import { AROUND } from "./documents";
import { lineOf, type LogLine } from "./model/lines";
import * as texts from "~/texts";

const AROUND_LINES = 35;
const PAGE = 70;

interface ContextLines {
  readonly state: "loading" | "ready" | "missing" | "failed";
  readonly message?: string;
  readonly lines: readonly LogLine[];
  readonly hasEarlier: boolean;
  readonly hasLater: boolean;
}

const LOADING: ContextLines = { state: "loading", lines: [], hasEarlier: false, hasLater: false };
const GONE = texts.logs.contextGone;
const linesOf = (events: readonly SessionEvent[]) => events.map(lineOf);

/** The lines around a place of a session's log; they can be read on in both directions. */
export function useContextLines(session: string, line: string) {
  const live = useLive();
  const { unkept } = live;
  const [known, setKnown] = useState(LOADING);

  useEffect(() => {
    let wanted = true;
    void unkept
      .query(AROUND, { session, cursor: line, lines: AROUND_LINES })
      .toPromise()
      .then(({ data, error }) => {
        if (!wanted) return;
        const page = data?.session?.eventsAround;
        if (page?.nodes.length && !page.reset)
          setKnown({
            state: "ready",
            lines: linesOf(page.nodes),
            hasEarlier: page.pageInfo.hasPreviousPage,
            hasLater: page.pageInfo.hasNextPage,
          });
        else if (data) setKnown({ ...LOADING, state: "missing", message: GONE });
        else setKnown({ ...LOADING, state: "failed", message: said(error) });
      });
    return () => {
      wanted = false;
    };
  }, [unkept, session, line]);

  const earlier = async () => {
    const before = known.lines[0]?.cursor ?? null;
    const page = await eventPage(live, { session, last: PAGE, before, filter: { fragments: false } });
    if (page.state !== "ready") return;
    setKnown((now) => ({
      ...now,
      lines: [...linesOf(page.events), ...now.lines],
      hasEarlier: page.hasEarlier,
    }));
  };
  const later = async () => {
    const after = known.lines.at(-1)?.cursor ?? "0";
    const { data } = await unkept.query(EVENTS_AFTER, { session, after, first: PAGE }).toPromise();
    const page = data?.session?.events;
    if (!page) return;
    setKnown((now) => ({
      ...now,
      lines: [...now.lines, ...linesOf(page.nodes)],
      hasLater: page.pageInfo.hasNextPage,
    }));
  };
  const more = (where: "earlier" | "later") => void (where === "earlier" ? earlier() : later());
  return { ...known, more };
}
