import { getRouteApi } from "@tanstack/react-router";
import { useCallback } from "react";
import { changed, type Address } from "./model/address";

const route = getRouteApi("/shell/logs");

export type Change = { readonly [Part in keyof Address]?: Address[Part] | undefined };

/** What the address says the page shows, and how to change it. Every change can be gone back from. */
export function useAddress(): {
  address: Address;
  go: (change: Change) => void;
  open: (address: Address) => void;
} {
  const address = route.useSearch();
  const navigate = route.useNavigate();
  const go = useCallback(
    (change: Change) => void navigate({ search: (now) => changed(now, change) }),
    [navigate],
  );
  const open = useCallback((other: Address) => void navigate({ search: other }), [navigate]);
  return { address, go, open };
}
