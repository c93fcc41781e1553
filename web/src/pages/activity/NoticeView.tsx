import { AgentName } from "~/design/AgentName";
import { classes } from "~/design/classes";
import { Timestamp } from "~/design/Timestamp";
import type { NoticeEntry } from "./model/entries";

const TONES = {
  quiet: { dot: "bg-line-strong", text: "text-faint" },
  warn: { dot: "bg-warn", text: "text-warn" },
  bad: { dot: "bg-bad", text: "text-bad" },
};

/** Something that happened, in one line. */
export function NoticeView({ notice }: { notice: NoticeEntry }) {
  const tone = TONES[notice.tone];
  return (
    <li className="flex items-baseline gap-3 px-2 py-0.5 text-xs">
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
      <Timestamp at={notice.at} />
    </li>
  );
}
