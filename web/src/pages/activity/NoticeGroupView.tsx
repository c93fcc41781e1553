import { useState } from "react";
import { classes } from "~/design/classes";
import { Icon } from "~/design/Icon";
import type { NoticeEntry } from "./model/entries";
import { NoticeView } from "./NoticeView";
import * as texts from "~/texts";

interface NoticeGroupViewProps {
  notices: readonly NoticeEntry[];
  /** The one that was gone to; it is in sight. */
  marked: string | null;
}

/** Many notices in a row: how many, and the last of them; all of them on demand. */
export function NoticeGroupView({ notices, marked }: NoticeGroupViewProps) {
  const [chosen, setOpen] = useState(false);
  const open = chosen || marked !== null;
  return (
    <li>
      <button
        type="button"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
        className="ml-12 flex min-h-6 max-w-full items-center gap-1.5 rounded px-1 text-xs text-faint hover:text-text pointer-coarse:min-h-10"
      >
        <Icon
          name="chevron"
          width="10"
          height="10"
          className={classes("shrink-0 transition-transform", open && "rotate-90")}
        />
        {texts.session.notices(notices.length)}
      </button>
      <ul className="flex flex-col gap-1">
        {(open ? notices : notices.slice(-1)).map((notice) => (
          <NoticeView key={notice.key} notice={notice} marked={notice.key === marked} />
        ))}
      </ul>
    </li>
  );
}
