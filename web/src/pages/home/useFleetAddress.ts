import { getRouteApi } from "@tanstack/react-router";
import { changed, type Change, type FleetAddress } from "./model/address";

const route = getRouteApi("/shell/");

/** What the address says of the list, and how to change it. */
export function useFleetAddress(): {
  address: FleetAddress;
  /** `typed`: one of many changes that are one to go back from. */
  go: (change: Change, options?: { typed: boolean }) => void;
  open: (address: FleetAddress) => void;
} {
  const address = route.useSearch();
  const navigate = route.useNavigate();
  return {
    address,
    go: (change, { typed } = { typed: false }) =>
      void navigate({ search: (now) => changed(now, change), replace: typed }),
    open: (other) => void navigate({ search: other }),
  };
}
