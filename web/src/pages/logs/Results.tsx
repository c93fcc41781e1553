import { useEffect, useState } from "react";
import { useQuery } from "urql";
import { FacetList } from "./FacetList";
import { BUCKETS, HISTOGRAM } from "./documents";
import { Hits } from "./Hits";
import { Histogram } from "./Histogram";
import { filled } from "./model/buckets";
import { quieted } from "./model/conditions";
import { between, spanOf, within } from "./model/range";
import { searchError, type SearchError } from "./model/searchError";
import { useAddress } from "./useAddress";

/** What a search finds: over time, by its values, and line by line. It stands for one search at one moment. */
export function Results({ onRefused }: { onRefused: (error: SearchError) => void }) {
  const { address, go } = useAddress();
  const { q = "", session = null, range, all } = address;
  // Ages count from one moment for all questions of a search, so that their answers belong together.
  const [now] = useState(() => Date.now());
  const query = within(all ? q : quieted(q), range, now);
  const [{ data, error }] = useQuery({
    query: HISTOGRAM,
    variables: { query, session, buckets: BUCKETS },
    requestPolicy: "cache-and-network",
  });
  useEffect(() => {
    if (error) onRefused(searchError(error, q));
    // eslint-disable-next-line react-hooks/exhaustive-deps -- told once for each answer
  }, [error]);
  if (error) return null;
  const buckets = filled(data?.workspace.histogram ?? [], range ? spanOf(range, now) : null);
  return (
    <div className="flex min-h-0 flex-1 flex-col overflow-y-auto md:flex-row md:overflow-hidden">
      <FacetList query={query} />
      <div className="flex min-w-0 flex-1 flex-col md:overflow-y-auto">
        <Histogram
          buckets={buckets}
          loading={!data}
          onChoose={(span) => go({ range: between(span.from, span.to) })}
        />
        <Hits query={query} session={session} />
      </div>
    </div>
  );
}
