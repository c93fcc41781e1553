import { useState } from "react";
import { useQuery } from "urql";
import { act } from "~/acting/act";
import { Field, INPUT, Select } from "~/acting/Field";
import { FormDialog } from "~/acting/FormDialog";
import { Button } from "~/design/Button";
import { Dialog, DialogBody, DialogFoot } from "~/design/Dialog";
import { useLive, useWorkspace } from "~/live/LiveContext";
import { useReadable } from "~/live/useReadable";
import { GROUPS } from "~/pages/groups/documents";
import { CREATE_INVITATION } from "./documents";
import { LinkShown } from "./LinkDialog";
import { givenBy, roleWords, type Role } from "./roles";
import * as texts from "~/texts";

interface InviteDialogProps {
  onClose: () => void;
  onChanged: () => void;
}

/** Asks whom to invite as what, and shows the link, this once. */
export function InviteDialog({ onClose, onChanged }: InviteDialogProps) {
  const { queries } = useLive();
  const overview = useReadable(useWorkspace().overview);
  const viewer = overview.state === "ready" ? overview.value.viewer : null;
  const [{ data }] = useQuery({ query: GROUPS, variables: { search: null, after: null } });
  const [role, setRole] = useState<Role>("MEMBER");
  const [link, setLink] = useState<{ url: string; until: string } | null>(null);
  const close = () => {
    if (link) onChanged();
    onClose();
  };
  const submit = async (given: FormData) => {
    const text = (name: string) => {
      const value = given.get(name);
      return typeof value === "string" ? value.trim() : "";
    };
    const done = await act(queries, CREATE_INVITATION, {
      role,
      name: text("name") || null,
      days: Number(text("days")),
      groups: given.getAll("groups").filter((each) => typeof each === "string"),
    });
    if (!done.done) return done.message;
    if (done.result.__typename === "InvitationSent")
      setLink({ url: done.result.url, until: done.result.invitation.expiresAt });
    return null;
  };
  if (link)
    return (
      <Dialog open onClose={close} title={texts.people.linkReady}>
        <DialogBody>
          <LinkShown {...link} />
        </DialogBody>
        <DialogFoot>
          <Button look="primary" onClick={close}>
            {texts.people.done}
          </Button>
        </DialogFoot>
      </Dialog>
    );
  const groups = data?.workspace.groups.nodes ?? [];
  return (
    <FormDialog
      title={texts.people.invite}
      description={texts.people.inviteMeans}
      doIt={texts.people.makeInvitation}
      submit={submit}
      onClose={close}
    >
      <div className="flex flex-col gap-3">
        <Field id="invited-name" label={texts.people.name} hint={texts.people.nameHint}>
          <input id="invited-name" name="name" maxLength={60} autoComplete="off" className={INPUT} />
        </Field>
        <Field id="invited-role" label={texts.people.role}>
          <Select id="invited-role" value={role} onChange={(event) => setRole(event.target.value as Role)}>
            {givenBy(viewer?.role ?? null, viewer?.kind === "MEMBER").map((one) => (
              <option key={one.role} value={one.role}>
                {one.title}
              </option>
            ))}
          </Select>
        </Field>
        <p className="text-xs text-faint">{roleWords(role).means}</p>
        {groups.length > 0 && (
          <fieldset className="max-h-40 overflow-y-auto rounded-lg border border-line p-2">
            <legend className="px-1 text-xs text-soft">{texts.people.groups}</legend>
            {groups.map(({ key, name }) => (
              <label key={key} className="flex items-center gap-2 py-1 pointer-coarse:py-2">
                <input type="checkbox" name="groups" value={key} />
                <span className="break-words">{name}</span>
              </label>
            ))}
          </fieldset>
        )}
        <Field id="invited-days" label={texts.people.days}>
          <input
            id="invited-days"
            name="days"
            type="number"
            min={1}
            max={30}
            required
            defaultValue={7}
            className={INPUT}
          />
        </Field>
      </div>
    </FormDialog>
  );
}
