import { Avatar } from "~/design/Avatar";
import { classes } from "~/design/classes";
import * as texts from "~/texts";

interface NameListProps {
  id: string;
  names: readonly string[];
  /** Which of them Enter takes. */
  at: number;
  onPick: (name: string) => void;
}

/** The names that complete what is typed. The keys for it go to the box: the focus stays there. */
export function NameList({ id, names, at, onPick }: NameListProps) {
  return (
    <div id={id} role="listbox" aria-label={texts.acting.names} className="flex flex-wrap gap-1">
      {names.map((name, place) => (
        <div
          key={name}
          id={optionId(id, place)}
          role="option"
          tabIndex={-1}
          aria-selected={place === at}
          // Before the box loses the focus.
          onMouseDown={(event) => event.preventDefault()}
          onClick={() => onPick(name)}
          onKeyDown={(event) => event.key === "Enter" && onPick(name)}
          className={classes(
            "flex h-7 items-center gap-1.5 rounded-md border px-2 text-xs font-medium pointer-coarse:h-10",
            place === at ? "border-accent bg-accent-soft" : "border-line bg-surface hover:bg-hover",
          )}
        >
          {name !== EVERYBODY && <Avatar name={name} size={16} />}@{name}
        </div>
      ))}
    </div>
  );
}

const EVERYBODY = "all";

/** What the box names as the one that Enter takes. */
export const optionId = (id: string, place: number): string => `${id}-${place}`;
