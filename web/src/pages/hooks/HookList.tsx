import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { usePermissions } from "~/acting/usePermissions";
import { Badge } from "~/design/Badge";
import { Button } from "~/design/Button";
import { Empty } from "~/design/Empty";
import { useNow } from "~/design/now";
import { Table } from "~/design/Table";
import { dayOrClock } from "~/design/time";
import { Consent } from "./Consent";
import { FireDialog } from "./FireDialog";
import type { Everything, Hook, Run } from "./hooks";
import { actionLine } from "./model/lines";
import { lacksConsent, latestOf, standingOf } from "./model/standing";
import { runWords, standingWords, toneOf } from "./words";
import * as texts from "~/texts";

/** Every hook that holds, how it stands, and how its last run ended. */
export function HookList({ shown: { saved, runs }, again }: { shown: Everything; again: () => void }) {
  const may = usePermissions().has("ADMINISTER");
  const [fired, setFired] = useState<Hook>();
  const latest = latestOf(runs);
  if (saved.hooks.length === 0)
    return (
      <Empty title={texts.hooks.none} command={may ? "relaycast hooks apply hooks.yaml" : undefined}>
        {may ? texts.hooks.noneHow : texts.hooks.noneWho}
      </Empty>
    );
  return (
    <>
      {saved.notes.map((note) => (
        <p key={note} className="rounded-lg bg-warn-soft px-3 py-2 text-warn">
          {note}
        </p>
      ))}
      <div className="rounded-xl border border-line">
        <Table
          caption={texts.hooks.caption}
          rows={saved.hooks}
          rowKey={(hook) => hook.id}
          columns={[
            { title: texts.hooks.hook, cell: (hook) => <span className="font-medium">{hook.id}</span> },
            { title: texts.hooks.whose, cell: (hook) => hook.for },
            { title: texts.hooks.event, cell: (hook) => <On hook={hook} /> },
            { title: texts.hooks.action, cell: (hook) => <Does hook={hook} /> },
            { title: texts.hooks.state, cell: (hook) => <Stands hook={hook} paused={saved.paused} /> },
            { title: texts.hooks.last, cell: (hook) => <Last run={latest.get(hook.id)} /> },
            ...(may
              ? [
                  {
                    title: texts.hooks.acts,
                    cell: (hook: Hook) => (
                      <Button
                        size="small"
                        look="quiet"
                        aria-label={texts.hooks.fireHook(hook.id)}
                        onClick={() => setFired(hook)}
                      >
                        {texts.hooks.fire}
                      </Button>
                    ),
                  },
                ]
              : []),
          ]}
        />
      </div>
      {fired && <FireDialog hook={fired} onClose={() => setFired(undefined)} again={again} />}
    </>
  );
}

/** What it waits for, and what its answer may do there. */
function On({ hook }: { hook: Hook }) {
  return (
    <span className="flex flex-wrap items-center gap-1">
      {hook.on}
      {hook.decides && <Badge tone="accent">{texts.hooks.decides}</Badge>}
      {hook.may_allow && <Badge tone="warn">{texts.hooks.mayAllow}</Badge>}
    </span>
  );
}

function Does({ hook }: { hook: Hook }) {
  return <code className="line-clamp-2 min-w-40 font-mono text-xs break-all">{actionLine(hook.does)}</code>;
}

function Stands({ hook, paused }: { hook: Hook; paused: boolean }) {
  const standing = standingOf(hook, paused);
  return (
    <span className="flex min-w-16 flex-col items-start gap-1">
      <Badge tone={toneOf(standing)}>{standingWords(standing)}</Badge>
      {hook.stopped !== null && <span className="text-xs text-faint">{hook.stopped}</span>}
    </span>
  );
}

function Last({ run }: { run: Run | undefined }) {
  const now = useNow();
  if (!run) return <span className="text-faint">{texts.hooks.neverRan}</span>;
  return (
    <span className="flex flex-col gap-1">
      <Link
        to="/hooks"
        search={{ tab: "history", hook: run.hook }}
        className="flex items-center gap-2 whitespace-nowrap underline-offset-2 hover:underline"
      >
        <Badge tone={toneOf(run.state)}>{runWords(run.state)}</Badge>
        <span className="text-xs text-faint">{dayOrClock(run.at_ms, now)}</span>
      </Link>
      {lacksConsent(run.state) && <Consent />}
    </span>
  );
}
