import { AgentName } from "~/design/AgentName";
import { Timestamp } from "~/design/Timestamp";
import type { Group } from "./model/groups";

/** What a group of edits has in common: whose turn and when, or which file. */
export function GroupHead({ group, byTurn }: { group: Group; byTurn: boolean }) {
  const [first] = group.edits;
  if (!first) return null;
  if (!byTurn)
    return (
      <h2 className="flex min-w-0 items-baseline gap-2 text-xs">
        <code className="min-w-0 truncate">{group.key}</code>
        <span className="shrink-0 font-normal text-faint">{counted(group.edits.length, "edit")}</span>
      </h2>
    );
  const files = new Set(group.edits.map((edit) => edit.path)).size;
  return (
    <h2 className="flex items-baseline gap-2 text-xs">
      <AgentName name={first.agent} />
      <span className="font-normal text-faint">{counted(files, "file")}</span>
      <Timestamp at={first.at} className="text-2xs font-normal text-faint tabular-nums" />
    </h2>
  );
}

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`;
