import { Fragment, useState } from "react";
import { useQuery } from "urql";
import { NothingYet } from "~/acting/NothingYet";
import { Button } from "~/design/Button";
import { Empty } from "~/design/Empty";
import { said } from "~/live/wire/http";
import { startCommand } from "~/live/startCommand";
import { HITS_AT_ONCE, SEARCH } from "./documents";
import { quieted } from "./model/conditions";
import { HitRow } from "./HitRow";
import * as texts from "~/texts";

/** The lines a search finds, the newest first. Lines that come later do not move the pages. */
export function Hits({ query, session }: { query: string; session: string | null }) {
  const [places, setPlaces] = useState<readonly string[]>([]);
  return (
    <section aria-label={texts.logs.found} className="pb-6">
      {[null, ...places].map((after, number) => (
        <HitsPage
          key={after}
          query={query}
          session={session}
          after={after}
          onMore={number === places.length ? (place) => setPlaces([...places, place]) : undefined}
        />
      ))}
    </section>
  );
}

interface HitsPageProps {
  query: string;
  session: string | null;
  after: string | null;
  onMore: ((place: string) => void) | undefined;
}

function HitsPage({ query, session, after, onMore }: HitsPageProps) {
  const [{ data, error, fetching }, again] = useQuery({
    query: SEARCH,
    variables: { query, session, first: HITS_AT_ONCE, after },
    requestPolicy: after === null ? "cache-and-network" : "cache-first",
  });
  if (error && !data)
    return (
      <p role="alert" className="flex items-center gap-3 px-4 py-3 text-bad">
        {said(error)}
        <Button size="small" onClick={() => again({ requestPolicy: "network-only" })}>
          {texts.shared.tryAgain}
        </Button>
      </p>
    );
  if (!data) return <p className="px-4 py-3 text-faint">{fetching ? texts.logs.searching : ""}</p>;
  const { nodes, pageInfo } = data.workspace.logs;
  if (nodes.length === 0 && after === null) return <Nothing query={query} />;
  return (
    <Fragment>
      <ol>
        {nodes.map(({ line }) => (
          <HitRow key={`${line.sessionKey} ${line.cursor}`} line={line} named={session === null} />
        ))}
      </ol>
      {onMore && pageInfo.hasNextPage && pageInfo.endCursor !== null && (
        <div className="flex justify-center py-3">
          <Button onClick={() => onMore(pageInfo.endCursor ?? "")}>{texts.logs.loadOlder}</Button>
        </div>
      )}
      {onMore && !pageInfo.hasNextPage && (
        <p className="py-3 text-center text-2xs text-faint">{texts.logs.noOlder}</p>
      )}
    </Fragment>
  );
}

function Nothing({ query }: { query: string }) {
  if (query === "" || query === quieted(""))
    return (
      <NothingYet
        title={texts.logs.nothingYet}
        how={texts.acting.runInFolder}
        command={startCommand(undefined)}
      >
        {texts.logs.nothingYetWhat}
      </NothingYet>
    );
  return (
    <Empty title={texts.logs.noMatch} command={`relaycast logs search '${query.replaceAll("'", `'\\''`)}'`}>
      {texts.logs.noMatchHow}
    </Empty>
  );
}
