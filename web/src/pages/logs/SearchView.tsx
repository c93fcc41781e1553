import { useState } from "react";
import { Results } from "./Results";
import { SearchBox } from "./SearchBox";
import type { SearchError } from "./model/searchError";
import { useAddress } from "./useAddress";

/** Find lines in all that was logged. */
export function SearchView() {
  const { address } = useAddress();
  const [again, setAgain] = useState(0);
  const what = [address.q, address.session, address.range, address.all, again].join("\n");
  // What is wrong with a search is known of that search alone.
  const [refused, setRefused] = useState<{ what: string; error: SearchError } | null>(null);
  const error = refused?.what === what ? refused.error : null;
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <SearchBox key={address.q} error={error} onAgain={() => setAgain(again + 1)} />
      <Results key={what} onRefused={(reason) => setRefused({ what, error: reason })} />
    </div>
  );
}
