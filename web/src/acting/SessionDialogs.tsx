import { useState, type ReactNode } from "react";
import { toast } from "~/app/toast";
import type { Session } from "~/live/documents";
import { useLive, useWorkspace } from "~/live/LiveContext";
import { act, type Done } from "./act";
import { DELETE_SESSION, RENAME_SESSION } from "./documents";
import { Field, INPUT } from "./Field";
import { FormDialog } from "./FormDialog";
import * as texts from "~/texts";

interface SessionDialogProps {
  session: Session;
  onClose: () => void;
}

/** Asks for a session's new name. */
export function RenameDialog({ session, onClose }: SessionDialogProps) {
  const { queries } = useLive();
  const [name, setName] = useState(session.name);
  return (
    <AskingDialog
      title={texts.acting.rename(session.name)}
      doIt={texts.acting.renameIt}
      submit={() => act(queries, RENAME_SESSION, { session: session.id, name: name.trim() })}
      onClose={onClose}
    >
      <Field id="session-name" label={texts.acting.newName} hint={texts.acting.renameHint}>
        <input
          id="session-name"
          required
          maxLength={64}
          pattern="[A-Za-z0-9][A-Za-z0-9_.\-]*"
          title={texts.acting.sessionNameRule}
          value={name}
          onChange={(event) => setName(event.target.value)}
          className={INPUT}
        />
      </Field>
    </AskingDialog>
  );
}

/** Asks before a session is deleted with its log, and for its name: nothing brings it back. */
export function DeleteDialog({
  session,
  onClose,
  onDeleted,
}: SessionDialogProps & { onDeleted: () => void }) {
  const { queries } = useLive();
  const [typed, setTyped] = useState("");
  return (
    <AskingDialog
      title={texts.acting.deleteSession(session.name)}
      doIt={texts.acting.deleteIt}
      isDanger
      isReady={typed.trim() === session.name}
      submit={() => act(queries, DELETE_SESSION, { session: session.id })}
      onDone={() => {
        toast(texts.acting.deleted(session.name));
        onDeleted();
      }}
      onClose={onClose}
    >
      <p className="mb-3 text-soft">{texts.acting.deleteMeans}</p>
      <Field id="session-typed" label={texts.acting.typeItsName(session.name)}>
        <input
          id="session-typed"
          autoComplete="off"
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
          className={INPUT}
        />
      </Field>
    </AskingDialog>
  );
}

interface AskingDialogProps {
  title: string;
  doIt: string;
  isDanger?: boolean;
  isReady?: boolean;
  submit: () => Promise<Done<unknown>>;
  onDone?: () => void;
  onClose: () => void;
  children: ReactNode;
}

function AskingDialog({ submit, onDone, ...asked }: AskingDialogProps) {
  const workspace = useWorkspace();
  const carryOut = async () => {
    const done = await submit();
    if (!done.done) return done.message;
    workspace.refreshSoon();
    asked.onClose();
    onDone?.();
    return null;
  };
  return <FormDialog {...asked} submit={carryOut} />;
}
