import { useEffect } from "react";
import { Dialog, DialogBody } from "~/design/Dialog";
import type { Waiting } from "~/live/documents";
import { useWorkspace } from "~/live/LiveContext";
import { useReadable } from "~/live/useReadable";
import { useSessionNames } from "~/live/useSessionNames";
import { AskedHere } from "./AskedHere";
import * as texts from "~/texts";

/** How long it is seen how something ended. */
const SEEN_MS = 1500;

/** One approval, to be answered without leaving the page. It closes once that is done. */
export function AnswerDialog({ waiting, onClose }: { waiting: Waiting; onClose: () => void }) {
  const all = useReadable(useWorkspace().waiting);
  const over = all.state === "ready" && !all.value.some(({ key }) => key === waiting.key);
  const session = useSessionNames().get(waiting.sessionKey);
  useEffect(() => {
    if (!over) return;
    const timer = setTimeout(onClose, SEEN_MS);
    return () => clearTimeout(timer);
  }, [over, onClose]);
  return (
    <Dialog open wide onClose={onClose} title={texts.inbox.answerTo(waiting.agent)}>
      <DialogBody>
        <AskedHere waiting={waiting} over={over} session={session} />
      </DialogBody>
    </Dialog>
  );
}
