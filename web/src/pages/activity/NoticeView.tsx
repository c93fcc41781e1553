import { AgentName } from "~/design/AgentName";
import { classes } from "~/design/classes";
import { EntryLink } from "./EntryLink";
import type { NoticeEntry } from "./model/entries";

const TONES = {
  quiet: { dot: "bg-line-strong", text: "text-faint" },
  warn: { dot: "bg-warn", text: "text-warn" },
  bad: { dot: "bg-bad", text: "text-bad" },
};

/** Something that happened, in one line. */
export function NoticeView({ notice, marked }: { notice: NoticeEntry; marked: boolean }) {
  const tone = TONES[notice.tone];
  return (
    <li
      id={`entry-${notice.key}`}
      aria-current={marked ? "location" : undefined}
      className={classes("flex items-baseline gap-3 rounded px-2 py-0.5 text-xs", marked && "bg-accent-soft")}
    >
      <span className="flex w-7 shrink-0 justify-center self-center">
        <span aria-hidden="true" className={classes("size-1.5 rounded-full", tone.dot)} />
      </span>
      <span className={classes("min-w-0 flex-1 break-words", tone.text)}>
        {notice.name && (
          <>
            <AgentName name={notice.name} />{" "}
          </>
        )}
        {notice.words}
      </span>
      <EntryLink at={notice.at} cursor={notice.cursor} />
    </li>
  );
}
