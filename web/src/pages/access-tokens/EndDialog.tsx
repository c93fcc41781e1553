import { useState } from "react";
import type { Done } from "~/acting/act";
import { Button } from "~/design/Button";
import { Dialog, DialogBody, DialogFoot } from "~/design/Dialog";
import * as texts from "~/texts";

interface EndDialogProps {
  title: string;
  means: string;
  verb: string;
  onEnd: () => Promise<Done<unknown>>;
  onClose: () => void;
}

/** Asks before something is ended for good. */
export function EndDialog({ title, means, verb, onEnd, onClose }: EndDialogProps) {
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const end = async () => {
    setBusy(true);
    const done = await onEnd();
    setBusy(false);
    if (done.done) onClose();
    else setProblem(done.message);
  };
  return (
    <Dialog open onClose={onClose} title={title}>
      <DialogBody>
        <p className="text-soft">{means}</p>
        <p role="alert" className="mt-2 text-bad empty:hidden">
          {problem}
        </p>
      </DialogBody>
      <DialogFoot>
        <Button look="quiet" onClick={onClose}>
          {texts.shared.cancel}
        </Button>
        <Button look="danger" disabled={busy} onClick={() => void end()}>
          {verb}
        </Button>
      </DialogFoot>
    </Dialog>
  );
}
