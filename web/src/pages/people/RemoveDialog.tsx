import { useState } from "react";
import { act } from "~/acting/act";
import { toast } from "~/app/toast";
import { Button } from "~/design/Button";
import { Dialog, DialogBody, DialogFoot } from "~/design/Dialog";
import { useLive } from "~/live/LiveContext";
import { REMOVE_PERSON, type Person } from "./documents";
import * as texts from "~/texts";

interface RemoveDialogProps {
  person: Person;
  onClose: () => void;
  onRemoved: () => void;
}

/** Asks before somebody is removed, and says what ends with them. */
export function RemoveDialog({ person, onClose, onRemoved }: RemoveDialogProps) {
  const { queries } = useLive();
  const [problem, setProblem] = useState<string | null>(null);
  const [erase, setErase] = useState(false);
  const [busy, setBusy] = useState(false);
  const remove = async () => {
    setBusy(true);
    const done = await act(queries, REMOVE_PERSON, { member: person.key, erase });
    setBusy(false);
    if (!done.done) {
      setProblem(done.message);
      return;
    }
    toast(erase ? texts.people.erased : texts.people.removed(person.name));
    onClose();
    onRemoved();
  };
  return (
    <Dialog open onClose={onClose} title={texts.people.remove(person.name)}>
      <DialogBody>
        <p className="text-soft">{texts.people.removeMeans}</p>
        <label className="mt-3 flex items-start gap-2">
          <input
            type="checkbox"
            className="mt-1"
            checked={erase}
            aria-describedby="erase-means"
            onChange={(event) => setErase(event.target.checked)}
          />
          <span>
            {texts.people.erase}
            <span id="erase-means" className="block text-xs text-soft">
              {texts.people.eraseMeans}
            </span>
          </span>
        </label>
        <p role="alert" className="mt-2 text-bad empty:hidden">
          {problem}
        </p>
      </DialogBody>
      <DialogFoot>
        <Button look="quiet" onClick={onClose}>
          {texts.shared.cancel}
        </Button>
        <Button look="danger" disabled={busy} onClick={() => void remove()}>
          {texts.people.removeIt}
        </Button>
      </DialogFoot>
    </Dialog>
  );
}
