import { useState } from "react";
import { usePermissions } from "~/acting/usePermissions";
import { toast } from "~/app/toast";
import { Button } from "~/design/Button";
import { Empty } from "~/design/Empty";
import { resend, type Run } from "./hooks";
import { RunRow } from "./Runs";
import * as texts from "~/texts";

/** Webhooks and notifications that were given up. */
export function Undelivered({ runs, again }: { runs: readonly Run[]; again: () => void }) {
  if (runs.length === 0)
    return <Empty title={texts.hooks.noneUndelivered}>{texts.hooks.noneUndeliveredHow}</Empty>;
  return (
    <ul aria-label={texts.hooks.notDelivered} className="overflow-hidden rounded-xl border border-line">
      {runs.map((run) => (
        <li key={run.id} className="flex items-start border-b border-line last:border-0">
          <div className="min-w-0 flex-1">
            <RunRow run={run} />
          </div>
          <Resend run={run} again={again} />
        </li>
      ))}
    </ul>
  );
}

function Resend({ run, again }: { run: Run; again: () => void }) {
  const may = usePermissions().has("ADMINISTER");
  const [busy, setBusy] = useState(false);
  if (!may) return null;
  const send = () => {
    setBusy(true);
    void resend(run.id).then((answer) => {
      setBusy(false);
      if ("refused" in answer) toast(texts.hooks.notDone, { description: answer.refused, failed: true });
      again();
    });
  };
  return (
    <Button size="small" className="m-2" disabled={busy} onClick={send}>
      {texts.hooks.resend}
    </Button>
  );
}
