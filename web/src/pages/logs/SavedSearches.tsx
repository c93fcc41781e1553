import { useState } from "react";
import { SavedViews, ViewList } from "~/acting/SavedViews";
import { forgetView, savedViews, saveView } from "./model/savedViews";
import { useAddress } from "./useAddress";
import * as texts from "~/texts";

/** Searches under names of one's own, kept in this browser. */
export function SavedSearches() {
  const { address, open } = useAddress();
  const [views, setViews] = useState(() => savedViews(localStorage));
  return (
    <SavedViews title={texts.logs.saved} where={texts.logs.savedWhere}>
      {(close) => (
        <ViewList
          views={views.map((view) => ({
            name: view.name,
            shows: Object.values(view.address).join("  ") || texts.logs.everything,
            open: () => open(view.address),
            remove: () => setViews(forgetView(localStorage, view.name)),
          }))}
          onSave={(name) => setViews(saveView(localStorage, { name, address }))}
          onOpened={close}
        />
      )}
    </SavedViews>
  );
}
