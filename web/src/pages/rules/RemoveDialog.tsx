import { Button } from "~/design/Button";
import { Dialog, DialogBody, DialogFoot } from "~/design/Dialog";
import { Patterns } from "./Patterns";
import type { Rule } from "./rule";
import { REMOVED } from "./words";
import * as texts from "~/texts";

interface RemoveDialogProps {
  rule: Rule;
  busy: boolean;
  onClose: () => void;
  onRemove: () => void;
}

/** Asks before a rule is taken away, and says what that means. */
export function RemoveDialog({ rule, busy, onClose, onRemove }: RemoveDialogProps) {
  return (
    <Dialog open onClose={onClose} title={texts.rules.removeTitle} description={REMOVED[rule.effect]}>
      <DialogBody>
        <Patterns rule={rule} />
      </DialogBody>
      <DialogFoot>
        <Button look="quiet" onClick={onClose}>
          {texts.shared.cancel}
        </Button>
        <Button look="danger" disabled={busy} onClick={onRemove}>
          {texts.rules.removeRule}
        </Button>
      </DialogFoot>
    </Dialog>
  );
}
