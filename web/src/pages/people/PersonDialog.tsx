import { Button } from "~/design/Button";
import { Dialog, DialogBody } from "~/design/Dialog";
import type { Person } from "./documents";
import { roleWords } from "./roles";
import * as texts from "~/texts";

interface PersonDialogProps {
  person: Person;
  onClose: () => void;
  onLink: () => void;
  onSignOut: () => void;
  onSuspend: () => void;
  onRemove: () => void;
}

/** What can be done about one person's access. */
export function PersonDialog({ person, onClose, onLink, onSignOut, onSuspend, onRemove }: PersonDialogProps) {
  return (
    <Dialog open onClose={onClose} title={person.name} description={roleWords(person.role).means}>
      <DialogBody>
        <div className="flex flex-col items-start gap-2">
          {person.suspendedAt === null && <Button onClick={onLink}>{texts.people.makeLink}</Button>}
          <Button onClick={onSignOut}>{texts.people.endSignIns}</Button>
          <Button onClick={onSuspend} aria-describedby="suspend-means">
            {person.suspendedAt === null ? texts.people.suspend : texts.people.reinstate}
          </Button>
          <p id="suspend-means" className="text-xs text-soft">
            {person.suspendedAt === null ? texts.people.suspendMeans : texts.people.reinstateMeans}
          </p>
          <Button look="danger" onClick={onRemove}>
            {texts.people.removeEllipsis}
          </Button>
        </div>
      </DialogBody>
    </Dialog>
  );
}
