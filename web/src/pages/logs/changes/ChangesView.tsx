import { useMemo, useRef } from "react";
import { NothingYet } from "~/acting/NothingYet";
import { Button } from "~/design/Button";
import { Empty } from "~/design/Empty";
import { Icon } from "~/design/Icon";
import { startCommand } from "~/live/startCommand";
import { useAddress } from "../useAddress";
import { EditCard } from "./EditCard";
import { FileTree } from "./FileTree";
import { GroupHead } from "./GroupHead";
import { fileTree } from "./model/fileTree";
import { byFile, byTurn } from "./model/groups";
import { useChanges } from "./useChanges";
import * as texts from "~/texts";

/** What a session's agents changed in files: turn by turn, or all of the session file by file. */
export function ChangesView({ session }: { session: string }) {
  const { address, go } = useAddress();
  const { state, message, entries, next, older } = useChanges(session);
  const main = useRef<HTMLDivElement>(null);
  const byTurns = address.by !== "session";
  const groups = useMemo(() => (byTurns ? byTurn(entries) : byFile(entries)), [byTurns, entries]);
  const tree = useMemo(
    () => fileTree([...new Set(entries.flatMap((entry) => entry.changes.map((change) => change.path)))]),
    [entries],
  );
  if (state === "loading") return <p className="px-4 py-3 text-faint">{texts.shared.loading}</p>;
  if (entries.length === 0 && state !== "ready")
    return <Empty title={texts.logs.changesNotRead}>{message}</Empty>;
  if (entries.length === 0)
    return (
      <NothingYet
        title={texts.logs.noChanges}
        how={texts.logs.startInSession}
        command={startCommand(session)}
      >
        {texts.logs.noChangesWhat}
      </NothingYet>
    );

  const show = (path: string) => {
    const card = main.current?.querySelector<HTMLElement>(`[data-path="${CSS.escape(path)}"]`);
    card?.scrollIntoView({ block: "start" });
    card?.focus({ preventScroll: true });
  };
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <div className="flex min-h-10 shrink-0 flex-wrap items-center gap-x-4 gap-y-1 border-b border-line px-3 py-1 text-xs text-faint">
        <Choice
          label={texts.logs.together}
          one={{ title: texts.logs.byTurn, chosen: byTurns, choose: () => go({ by: undefined }) }}
          other={{ title: texts.logs.byFile, chosen: !byTurns, choose: () => go({ by: "session" }) }}
        />
        <Choice
          label={texts.logs.diffs}
          one={{
            title: texts.logs.unified,
            chosen: address.diff !== "split",
            choose: () => go({ diff: undefined }),
          }}
          other={{
            title: texts.logs.split,
            chosen: address.diff === "split",
            choose: () => go({ diff: "split" }),
          }}
        />
      </div>
      <div className="flex min-h-0 flex-1 flex-col overflow-y-auto md:flex-row md:overflow-hidden">
        <FileTree nodes={tree} onChoose={show} />
        <div ref={main} className="flex min-w-0 flex-1 flex-col gap-6 p-3 md:overflow-y-auto md:p-4">
          {groups.map((group) => (
            <section key={group.key} className="flex flex-col gap-2">
              <GroupHead group={group} byTurn={byTurns} />
              {group.edits.map((edit) => (
                <EditCard
                  key={`${edit.cursor} ${edit.path}`}
                  edit={edit}
                  session={session}
                  split={address.diff === "split"}
                />
              ))}
            </section>
          ))}
          {state === "failed" && (
            <p role="alert" className="text-bad">
              {message}
            </p>
          )}
          {next !== null && (
            <Button className="self-center" onClick={older}>
              {texts.logs.loadOlderChanges}
              <Icon name="down" width="12" height="12" />
            </Button>
          )}
        </div>
      </div>
    </div>
  );
}

interface Option {
  title: string;
  chosen: boolean;
  choose: () => void;
}

function Choice({ label, one, other }: { label: string; one: Option; other: Option }) {
  return (
    <div role="group" aria-label={label} className="flex rounded-md border border-line p-0.5">
      {[one, other].map((option) => (
        <button
          key={option.title}
          type="button"
          aria-pressed={option.chosen}
          onClick={option.choose}
          className="h-6 rounded px-2 text-soft hover:bg-hover aria-pressed:bg-active aria-pressed:font-medium aria-pressed:text-text pointer-coarse:h-10"
        >
          {option.title}
        </button>
      ))}
    </div>
  );
}
