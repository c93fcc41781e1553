import { useState, type SyntheticEvent } from "react";
import { INPUT } from "~/acting/Field";
import { Button, IconButton } from "~/design/Button";
import { Dialog, DialogBody } from "~/design/Dialog";
import { Icon } from "~/design/Icon";
import { forgetView, savedViews, saveView } from "./model/savedViews";
import { useAddress } from "./useAddress";
import * as texts from "~/texts";

/** Views under names of one's own, kept in this browser. */
export function SavedViews() {
  const { address, open } = useAddress();
  const [shown, setShown] = useState(false);
  const [views, setViews] = useState(() => savedViews(localStorage));
  const save = (event: SyntheticEvent<HTMLFormElement>) => {
    event.preventDefault();
    const name = new FormData(event.currentTarget).get("name");
    if (typeof name !== "string" || !name.trim()) return;
    setViews(saveView(localStorage, { name: name.trim(), address }));
    event.currentTarget.reset();
  };
  return (
    <>
      <Button size="small" look="quiet" onClick={() => setShown(true)}>
        {texts.logs.saved}
      </Button>
      <Dialog
        open={shown}
        onClose={() => setShown(false)}
        title={texts.logs.saved}
        description={texts.logs.savedWhere}
      >
        <DialogBody>
          <form onSubmit={save} className="mb-3 flex gap-2">
            <input
              name="name"
              aria-label={texts.logs.name}
              placeholder={texts.logs.saveAs}
              maxLength={60}
              className={INPUT}
            />
            <Button type="submit" look="primary" className="h-9">
              {texts.logs.save}
            </Button>
          </form>
          {views.length === 0 && <p className="py-2 text-faint">{texts.logs.noneYet}</p>}
          <ul>
            {views.map((view) => (
              <li key={view.name} className="flex items-center gap-1">
                <button
                  type="button"
                  className="flex min-h-9 min-w-0 flex-1 flex-col justify-center rounded-md px-2 py-1 text-left hover:bg-hover"
                  onClick={() => {
                    open(view.address);
                    setShown(false);
                  }}
                >
                  <span className="w-full truncate">{view.name}</span>
                  <code className="w-full truncate text-2xs text-faint">
                    {Object.values(view.address).join("  ") || "everything"}
                  </code>
                </button>
                <IconButton
                  label={texts.logs.forget(view.name)}
                  onClick={() => setViews(forgetView(localStorage, view.name))}
                >
                  <Icon name="close" />
                </IconButton>
              </li>
            ))}
          </ul>
        </DialogBody>
      </Dialog>
    </>
  );
}
