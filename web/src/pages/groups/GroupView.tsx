import { Link } from "@tanstack/react-router";
import { Suspense, useState } from "react";
import { useQuery } from "urql";
import { act } from "~/acting/act";
import { PersonPicker } from "~/acting/PersonPicker";
import { toast } from "~/app/toast";
import { Button } from "~/design/Button";
import { Empty } from "~/design/Empty";
import { said } from "~/live/wire/http";
import { useLive } from "~/live/LiveContext";
import { lazily } from "~/live/wire/code";
import { CHANGE_GROUP, GROUP } from "./documents";
import * as texts from "~/texts";

const RenameDialog = lazily(() => import("./GroupDialogs").then((m) => ({ default: m.RenameDialog })));
const RemoveDialog = lazily(() => import("./GroupDialogs").then((m) => ({ default: m.RemoveDialog })));

/** One group: its people, and what changes it. */
export function GroupView({ group, onGone }: { group: string; onGone: () => void }) {
  const { queries } = useLive();
  const [cursors, setCursors] = useState<readonly (string | null)[]>([null]);
  const [asking, setAsking] = useState<"rename" | "remove" | null>(null);
  const [{ data, error }, read] = useQuery({
    query: GROUP,
    variables: { key: group, search: null, after: cursors.at(-1) ?? null },
    requestPolicy: "cache-and-network",
  });
  if (error && !data) return <Empty title={texts.groups.notRead}>{said(error)}</Empty>;
  if (!data) return <p className="text-faint">{texts.shared.loading}</p>;
  const shown = data.workspace.group;
  if (!shown) return <Empty title={texts.groups.gone}>{texts.groups.goneHow}</Empty>;
  const { nodes, totalCount, pageInfo } = data.workspace.groupMembers;
  const { hasNextPage, endCursor } = pageInfo;
  const again = () => read({ requestPolicy: "network-only" });
  const change = async (member: string, joins: boolean) => {
    const done = await act(queries, CHANGE_GROUP, { group, member, joins });
    if (!done.done) toast(texts.people.notDone, { description: done.message, failed: true });
    again();
  };
  return (
    <section aria-labelledby="group" className="flex flex-col gap-4">
      <div className="flex flex-wrap items-center gap-2">
        <h2 id="group" className="min-w-0 flex-1 text-lg font-semibold break-words">
          {shown.name}
        </h2>
        <Button onClick={() => setAsking("rename")}>{texts.groups.renameIt}</Button>
        <Button look="danger" onClick={() => setAsking("remove")}>
          {texts.groups.removeEllipsis}
        </Button>
      </div>
      <Link to="/groups" search={{}} className="self-start text-accent-text underline">
        {texts.groups.all}
      </Link>
      <PersonPicker
        label={texts.groups.add}
        groups={false}
        but={new Set(nodes.map(({ key }) => key))}
        onPick={({ key }) => void change(key, true)}
      />
      <p role="status" className="text-xs text-faint">
        {texts.groups.size(totalCount ?? shown.size)}
      </p>
      {nodes.length === 0 ? (
        <Empty title={texts.groups.empty}>{texts.groups.emptyHow}</Empty>
      ) : (
        <ul
          aria-label={texts.people.members}
          className="flex flex-col divide-y divide-line rounded-xl border border-line"
        >
          {nodes.map(({ key, name }) => (
            <li key={key} className="flex min-h-11 items-center gap-3 px-3 py-1">
              <span className="min-w-0 flex-1 break-words">{name}</span>
              <Button
                size="small"
                look="quiet"
                aria-label={texts.groups.takeOutName(name)}
                onClick={() => void change(key, false)}
              >
                {texts.groups.takeOut}
              </Button>
            </li>
          ))}
        </ul>
      )}
      {(cursors.length > 1 || hasNextPage) && (
        <div className="flex justify-center gap-2">
          <Button disabled={cursors.length === 1} onClick={() => setCursors(cursors.slice(0, -1))}>
            {texts.groups.before}
          </Button>
          <Button disabled={!hasNextPage} onClick={() => setCursors([...cursors, endCursor])}>
            {texts.groups.next}
          </Button>
        </div>
      )}
      <Suspense>
        {asking === "rename" && <RenameDialog group={shown} onClose={() => setAsking(null)} onDone={again} />}
        {asking === "remove" && (
          <RemoveDialog group={shown} onClose={() => setAsking(null)} onDone={onGone} />
        )}
      </Suspense>
    </section>
  );
}
