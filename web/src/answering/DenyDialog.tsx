import { useState } from "react";
import { TextArea } from "~/acting/Field";
import { Button } from "~/design/Button";
import { Dialog, DialogBody, DialogFoot } from "~/design/Dialog";
import { Seen } from "~/design/Seen";
import type { Asked } from "./documents";
import type { Answer } from "./useAnswer";
import * as texts from "~/texts";

interface DenyDialogProps {
  asked: Asked;
  onClose: () => void;
  onDeny: (answer: Answer) => void;
}

/** A no, with what the agent should do instead. */
export function DenyDialog({ asked, onClose, onDeny }: DenyDialogProps) {
  const [note, setNote] = useState("");
  const [interrupt, setInterrupt] = useState(false);
  const verb = asked.question === null ? texts.inbox.deny : texts.inbox.decline;
  return (
    <Dialog open onClose={onClose} title={`${verb} ${asked.agent}`} description={<Seen text={asked.title} />}>
      <form
        className="contents"
        onSubmit={(event) => {
          event.preventDefault();
          onDeny({ verdict: "DENY", note, interrupt });
        }}
      >
        <DialogBody>
          <label htmlFor="deny-note" className="mb-1 block text-xs text-soft">
            {texts.inbox.tell(asked.agent)}
          </label>
          <TextArea
            id="deny-note"
            rows={3}
            maxLength={4000}
            value={note}
            onChange={(event) => setNote(event.target.value)}
          />
          {asked.question === null && (
            <label className="mt-3 flex items-center gap-2 text-soft">
              <input
                type="checkbox"
                checked={interrupt}
                onChange={(event) => setInterrupt(event.target.checked)}
              />
              {texts.inbox.alsoStop}
            </label>
          )}
        </DialogBody>
        <DialogFoot>
          <Button look="quiet" onClick={onClose}>
            {texts.shared.cancel}
          </Button>
          <Button type="submit" look="danger">
            {verb}
          </Button>
        </DialogFoot>
      </form>
    </Dialog>
  );
}
