import { useState } from "react";
import { act, type Done } from "~/acting/act";
import { Field, INPUT } from "~/acting/Field";
import { FormDialog } from "~/acting/FormDialog";
import { Button } from "~/design/Button";
import { Dialog, DialogBody, DialogFoot } from "~/design/Dialog";
import { useLive } from "~/live/LiveContext";
import { CREATE_GROUP, RENAME_GROUP, REMOVE_GROUP } from "./documents";
import * as texts from "~/texts";

interface NamedGroup {
  readonly key: string;
  readonly name: string;
}

/** Asks for the name of a new group. */
export function CreateDialog({ onClose, onMade }: { onClose: () => void; onMade: (key: string) => void }) {
  const { queries } = useLive();
  return (
    <NameDialog
      title={texts.groups.create}
      name=""
      submit={async (name) => {
        const done = await act(queries, CREATE_GROUP, { name });
        if (done.done && done.result.__typename === "GroupChanged") onMade(done.result.group.key);
        return done;
      }}
      onClose={onClose}
    />
  );
}

interface GroupDialogProps {
  group: NamedGroup;
  onClose: () => void;
  onDone: () => void;
}

/** Asks for another name of a group. */
export function RenameDialog({ group, onClose, onDone }: GroupDialogProps) {
  const { queries } = useLive();
  return (
    <NameDialog
      title={texts.groups.rename(group.name)}
      name={group.name}
      submit={async (name) => {
        const done = await act(queries, RENAME_GROUP, { group: group.key, name });
        if (done.done) onDone();
        return done;
      }}
      onClose={onClose}
    />
  );
}

/** Asks before a group is removed. */
export function RemoveDialog({ group, onClose, onDone }: GroupDialogProps) {
  const { queries } = useLive();
  const [problem, setProblem] = useState<string | null>(null);
  const remove = async () => {
    const done = await act(queries, REMOVE_GROUP, { group: group.key });
    setProblem(done.done ? null : done.message);
    if (done.done) onDone();
  };
  return (
    <Dialog open onClose={onClose} title={texts.groups.remove(group.name)}>
      <DialogBody>
        <p className="text-soft">{texts.groups.removeMeans}</p>
        <p role="alert" className="mt-2 text-bad empty:hidden">
          {problem}
        </p>
      </DialogBody>
      <DialogFoot>
        <Button look="quiet" onClick={onClose}>
          {texts.shared.cancel}
        </Button>
        <Button look="danger" onClick={() => void remove()}>
          {texts.groups.removeIt}
        </Button>
      </DialogFoot>
    </Dialog>
  );
}

interface NameDialogProps {
  title: string;
  name: string;
  submit: (name: string) => Promise<Done<unknown>>;
  onClose: () => void;
}

function NameDialog({ title, name, submit, onClose }: NameDialogProps) {
  const save = async (given: FormData) => {
    const wanted = given.get("name");
    const done = await submit(typeof wanted === "string" ? wanted.trim() : "");
    if (!done.done) return done.message;
    onClose();
    return null;
  };
  return (
    <FormDialog title={title} doIt={texts.groups.save} submit={save} onClose={onClose}>
      <Field id="group-name" label={texts.groups.name}>
        <input
          id="group-name"
          name="name"
          required
          maxLength={60}
          autoComplete="off"
          defaultValue={name}
          className={INPUT}
        />
      </Field>
    </FormDialog>
  );
}
