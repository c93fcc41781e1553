import { useState } from "react";
import { useQuery } from "urql";
import { act, type Done } from "~/acting/act";
import { SavedViews, ViewList } from "~/acting/SavedViews";
import { usePermissions } from "~/acting/usePermissions";
import { said } from "~/live/wire/http";
import { useLive } from "~/live/LiveContext";
import { REMOVE_VIEW, SAVE_VIEW, VIEWS } from "./documents";
import { asText, fromText } from "./model/address";
import { useFleetAddress } from "./useFleetAddress";
import * as texts from "~/texts";

/** Views of the list under names, which everybody in the workspace sees. */
export function SavedFleetViews() {
  const may = usePermissions();
  // A share of one session does not see what the workspace shares.
  if (!may.has("READ_WORKSPACE")) return null;
  return (
    <SavedViews title={texts.home.saved} where={texts.home.savedWhere}>
      {(close) => <Views onOpened={close} mayChange={may.has("SEND")} />}
    </SavedViews>
  );
}

function Views({ onOpened, mayChange }: { onOpened: () => void; mayChange: boolean }) {
  const { address, open } = useFleetAddress();
  const { queries } = useLive();
  const [{ data, error }, again] = useQuery({ query: VIEWS, requestPolicy: "network-only" });
  const [problem, setProblem] = useState<string | null>(null);
  const tell = (done: Done<unknown>) => {
    setProblem(done.done ? null : done.message);
    again({ requestPolicy: "network-only" });
  };
  const save = async (name: string) =>
    tell(await act(queries, SAVE_VIEW, { page: "HOME", name, address: asText(address) }));
  const remove = async (name: string) => tell(await act(queries, REMOVE_VIEW, { page: "HOME", name }));
  const views = data?.workspace.savedViews.map((view) => ({
    name: view.name,
    by: view.by,
    shows: Object.values(fromText(view.address)).join("  ") || texts.home.everything,
    open: () => open(fromText(view.address)),
    ...(mayChange && { remove: () => void remove(view.name) }),
  }));
  return (
    <ViewList
      views={views ?? null}
      problem={problem ?? (error && !data ? said(error) : "")}
      {...(mayChange && { onSave: (name: string) => void save(name) })}
      onOpened={onOpened}
    />
  );
}
