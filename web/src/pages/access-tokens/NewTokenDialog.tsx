import { useState } from "react";
import { act } from "~/acting/act";
import { Field, INPUT, Select } from "~/acting/Field";
import { FormDialog } from "~/acting/FormDialog";
import { usePermissions } from "~/acting/usePermissions";
import { useLive, useWorkspace } from "~/live/LiveContext";
import { useReadable } from "~/live/useReadable";
import { MINT_PERSONAL, MINT_SERVICE, type Account } from "./documents";
import { SCOPES, givenScopes } from "./scopes";
import { SecretShown } from "./SecretShown";
import * as texts from "~/texts";

const DAY_S = 86_400;
const DAYS = [7, 30, 90, 365];

interface NewTokenDialogProps {
  /** Null for a token of the viewer's own. */
  account: Account | null;
  onMade: () => void;
  onClose: () => void;
}

/** Asks what a program may do, where and for how long, and shows the secret, this once. */
export function NewTokenDialog({ account, onMade, onClose }: NewTokenDialogProps) {
  const { queries } = useLive();
  const overview = useReadable(useWorkspace().overview);
  const offered = givenScopes(usePermissions());
  const sessions = overview.state === "ready" ? overview.value.workspace.sessions.nodes : [];
  const [secret, setSecret] = useState<string | null>(null);
  const make = async (given: FormData) => {
    const wanted = {
      scopes: SCOPES.map(({ scope }) => scope).filter((scope) => given.getAll("scopes").includes(scope)),
      sessions: given.getAll("sessions").filter((each) => typeof each === "string"),
    };
    if (wanted.scopes.length === 0) return texts.accessTokens.chooseScope;
    const named = given.get("name");
    const name = typeof named === "string" ? named.trim() : "";
    const days = Number(given.get("days"));
    const done = account
      ? await act(queries, MINT_SERVICE, {
          ...wanted,
          serviceAccount: account.key,
          name: name || null,
          expiresInS: days > 0 ? days * DAY_S : null,
        })
      : await act(queries, MINT_PERSONAL, { ...wanted, name, expiresInS: days * DAY_S });
    if (!done.done) return done.message;
    if (done.result.__typename === "TokenMinted") setSecret(done.result.secret);
    return null;
  };
  const close = () => {
    onMade();
    onClose();
  };
  if (secret !== null) return <SecretShown secret={secret} onClose={close} />;
  return (
    <FormDialog
      title={account ? texts.accessTokens.newFor(account.name) : texts.accessTokens.makeMine}
      doIt={texts.accessTokens.makeToken}
      submit={make}
      onClose={onClose}
    >
      <div className="flex flex-col gap-3">
        <Field
          id="token-name"
          label={texts.accessTokens.name}
          {...(account && { hint: texts.accessTokens.nameHint })}
        >
          <input
            id="token-name"
            name="name"
            required={account === null}
            maxLength={60}
            autoComplete="off"
            className={INPUT}
          />
        </Field>
        <fieldset className="flex flex-col gap-1 rounded-lg border border-line p-2">
          <legend className="px-1 text-xs text-soft">{texts.accessTokens.scopes}</legend>
          {offered.map(({ scope, title, means }) => (
            <label key={scope} className="flex items-start gap-2 py-1">
              <input type="checkbox" name="scopes" value={scope} className="mt-1" />
              <span>
                {title}
                <span className="block text-xs text-faint">{means}</span>
              </span>
            </label>
          ))}
        </fieldset>
        {sessions.length > 0 && (
          <fieldset className="max-h-40 overflow-y-auto rounded-lg border border-line p-2">
            <legend className="px-1 text-xs text-soft">{texts.accessTokens.sessions}</legend>
            {sessions.map(({ key, name }) => (
              <label key={key} className="flex items-center gap-2 py-1 pointer-coarse:py-2">
                <input type="checkbox" name="sessions" value={key} />
                <span className="break-words">{name}</span>
              </label>
            ))}
          </fieldset>
        )}
        <Field id="token-days" label={texts.accessTokens.days}>
          <Select id="token-days" name="days" defaultValue={90}>
            {DAYS.map((days) => (
              <option key={days} value={days}>
                {texts.accessTokens.daysLong(days)}
              </option>
            ))}
            {account && <option value={0}>{texts.accessTokens.forEver}</option>}
          </Select>
        </Field>
      </div>
    </FormDialog>
  );
}
