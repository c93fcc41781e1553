import { useState, type ReactNode, type SyntheticEvent } from "react";
import { Button, IconButton } from "~/design/Button";
import { Dialog, DialogBody } from "~/design/Dialog";
import { Icon } from "~/design/Icon";
import { INPUT } from "./Field";
import * as texts from "~/texts";

/** What a page shows, under a name. */
export interface NamedView {
  readonly name: string;
  /** Who saved it, where that is known. */
  readonly by?: string;
  /** What it shows, in a line. */
  readonly shows: string;
  readonly open: () => void;
  /** Not there where the viewer may not. */
  readonly remove?: () => void;
}

interface SavedViewsProps {
  title: string;
  /** Where they are kept, and for whom. */
  where: string;
  /** What they are, once they are asked for. */
  children: (close: () => void) => ReactNode;
}

/** A button that opens a page's saved views. */
export function SavedViews({ title, where, children }: SavedViewsProps) {
  const [shown, setShown] = useState(false);
  const close = () => setShown(false);
  return (
    <>
      <Button size="small" look="quiet" onClick={() => setShown(true)}>
        {title}
      </Button>
      <Dialog open={shown} onClose={close} title={title} description={where}>
        <DialogBody>{shown && children(close)}</DialogBody>
      </Dialog>
    </>
  );
}

interface ViewListProps {
  /** Null while they are not known yet. */
  views: readonly NamedView[] | null;
  problem?: string;
  /** Not there where the viewer may save none. */
  onSave?: (name: string) => void;
  onOpened: () => void;
}

/** Saved views: to open, to delete, and a name for one more. */
export function ViewList({ views, problem = "", onSave, onOpened }: ViewListProps) {
  const save = (event: SyntheticEvent<HTMLFormElement>) => {
    event.preventDefault();
    const name = new FormData(event.currentTarget).get("name");
    if (typeof name !== "string" || !name.trim()) return;
    onSave?.(name.trim());
    event.currentTarget.reset();
  };
  return (
    <>
      {onSave && (
        <form onSubmit={save} className="mb-3 flex gap-2">
          <input
            name="name"
            aria-label={texts.views.name}
            placeholder={texts.views.saveAs}
            maxLength={60}
            className={INPUT}
          />
          <Button type="submit" look="primary" className="h-9">
            {texts.views.save}
          </Button>
        </form>
      )}
      <p role="alert" className="text-bad empty:hidden">
        {problem}
      </p>
      {views?.length === 0 && <p className="py-2 text-faint">{texts.views.none}</p>}
      <ul>
        {views?.map((view) => (
          <li key={view.name} className="flex items-center gap-1">
            <button
              type="button"
              className="flex min-h-9 min-w-0 flex-1 flex-col justify-center rounded-md px-2 py-1 text-left hover:bg-hover"
              onClick={() => {
                view.open();
                onOpened();
              }}
            >
              <span className="w-full truncate">
                {view.name}{" "}
                {view.by !== undefined && (
                  <span className="text-2xs text-faint">{texts.views.savedBy(view.by)}</span>
                )}
              </span>
              <code className="w-full truncate text-2xs text-faint">{view.shows}</code>
            </button>
            {view.remove && (
              <IconButton label={texts.views.remove(view.name)} onClick={view.remove}>
                <Icon name="close" />
              </IconButton>
            )}
          </li>
        ))}
      </ul>
    </>
  );
}
