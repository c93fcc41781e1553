import { useEffect, useState } from "react";
import { toast } from "~/app/toast";
import { Button } from "~/design/Button";
import { Dialog, DialogBody, DialogFoot } from "~/design/Dialog";
import { Seen } from "~/design/Seen";
import type { Agent } from "~/live/documents";
import { useLive, useWorkspace } from "~/live/LiveContext";
import { useReadable } from "~/live/useReadable";
import { act } from "./act";
import { RELEASE } from "./documents";
import * as texts from "~/texts";

/** Asks before an agent is released, and says what ends with it. */
export function ReleaseDialog({ agent, onClose }: { agent: Agent; onClose: () => void }) {
  const { queries } = useLive();
  const now = useNow(agent);
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    if (now.ended) onClose();
  }, [now.ended, onClose]);
  const release = async () => {
    setBusy(true);
    const done = await act(queries, RELEASE, { agent: agent.id });
    setBusy(false);
    if (done.done) toast(texts.acting.released(agent.name));
    else toast(texts.acting.failed(texts.acting.release), { description: done.message, failed: true });
    onClose();
  };
  return (
    <Dialog open onClose={onClose} title={texts.acting.releaseAgent(agent.name)}>
      <DialogBody>
        <ul className="flex list-disc flex-col gap-1 pl-4">
          {now.state === "WORKING" && (
            <li>
              {texts.acting.turnIsCut}
              {now.task !== null && (
                <>
                  {" "}
                  <q className="text-soft">
                    <Seen text={now.task} />
                  </q>
                </>
              )}
            </li>
          )}
          {now.waitingApprovals > 0 && <li>{texts.acting.requestsGo(now.waitingApprovals)}</li>}
          <li>{texts.acting.waitingIsLost}</li>
          <li>{texts.acting.filesStay}</li>
        </ul>
      </DialogBody>
      <DialogFoot>
        <Button look="quiet" onClick={onClose}>
          {texts.shared.cancel}
        </Button>
        <Button look="danger" disabled={busy} onClick={() => void release()}>
          {texts.acting.release} {agent.name}
        </Button>
      </DialogFoot>
    </Dialog>
  );
}

/** The agent as it is by now. */
function useNow(agent: Agent): Agent {
  const all = useReadable(useWorkspace().agents);
  return (all.state === "ready" ? all.value.find(({ key }) => key === agent.key) : undefined) ?? agent;
}
