import { memo } from "react";
import { AgentName } from "~/design/AgentName";
import { classes } from "~/design/classes";
import { moment, whole } from "~/design/time";
import { LineLink } from "./LineLink";
import { LineText } from "./LineText";
import type { LogLine } from "./model/lines";
import * as texts from "~/texts";

/** One line of a session's log. Its time is its permalink. */
export const LineRow = memo(function LineRow({
  line,
  session,
  chosen = false,
}: {
  line: LogLine;
  session: string;
  chosen?: boolean;
}) {
  return (
    <div
      className={classes(
        "flex flex-wrap gap-x-3 border-l-2 px-3 py-0.5 font-mono text-xs leading-5 hover:bg-hover sm:flex-nowrap",
        chosen ? "border-accent bg-accent-soft" : line.tone === "bad" ? "border-bad" : "border-transparent",
      )}
    >
      <LineLink
        session={session}
        line={line.cursor}
        title={texts.logs.linkToTime(whole(line.at))}
        className="shrink-0 text-faint tabular-nums hover:text-accent-text hover:underline"
      >
        <time dateTime={new Date(line.at).toISOString()}>{moment(line.at)}</time>
      </LineLink>
      <span className="w-24 shrink-0 truncate" title={line.agent}>
        {line.agent && <AgentName name={line.agent} />}
      </span>
      <span className="w-16 shrink-0 truncate text-faint">{line.kind}</span>
      <span className="min-w-0 basis-full sm:flex-1 sm:basis-0">
        <LineText text={line.text} tone={line.tone} />
      </span>
    </div>
  );
});
