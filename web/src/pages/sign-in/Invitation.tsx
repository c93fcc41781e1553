import { useEffect, useState } from "react";
import { Field, INPUT } from "~/acting/Field";
import { Button } from "~/design/Button";
import { whole } from "~/design/time";
import { ask, type Answer } from "~/live/wire/ask";
import { BASE, inWorkspace } from "~/live/wire/base";
import { setShare } from "~/live/wire/guest";
import type { Caller } from "~/live/wire/http";
import { whoHasToGoOn } from "./singleSignOn";
import * as texts from "~/texts";

const WORDS: Readonly<Record<string, string>> = {
  owner: texts.invitation.asOwner,
  admin: texts.invitation.asAdmin,
  member: texts.invitation.asMember,
  viewer: texts.invitation.asViewer,
  billing: texts.invitation.asBilling,
};

/** What somebody is invited to, as the broker tells whoever has the link. */
interface Offer {
  readonly workspace: { readonly name: string; readonly slug: string };
  readonly role: string;
  readonly name: string | null;
  readonly groups: readonly string[];
  readonly made_by: string | null;
  readonly expires_at_ms: number;
}

interface InvitationProps {
  secret: string;
  caller: Caller | null;
  /** They are in, and have to go on with single sign-on. */
  onRequired: (caller: Caller) => void;
}

/** Shows an invitation before it is accepted. Whoever is signed in comes in as who they are. */
export function Invitation({ secret, caller, onRequired }: InvitationProps) {
  const [looked, setLooked] = useState<Answer<Offer> | null>(null);
  useEffect(() => {
    void ask<Offer>("/v1/invitations/look", "POST", { code: secret }).then(setLooked);
  }, [secret]);
  if (looked === null)
    return (
      <p role="status" className="text-base text-soft">
        {texts.signIn.moment}
      </p>
    );
  if ("refused" in looked)
    return (
      <>
        <h1 className="text-xl">{texts.invitation.over}</h1>
        <p role="alert" className="rounded-lg bg-bad-soft px-3 py-2 text-bad">
          {looked.refused}
        </p>
      </>
    );
  return <Accept secret={secret} caller={caller} offer={looked.value} onRequired={onRequired} />;
}

function Accept({ secret, caller, offer, onRequired }: InvitationProps & { offer: Offer }) {
  const [refused, setRefused] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const accept = async (name: string) => {
    setBusy(true);
    const wanted = { code: secret, name, join: caller !== null };
    const said = await ask<object>("/v1/invitations/accept", "POST", wanted);
    if ("refused" in said && said.code !== "SSO_REQUIRED") {
      setRefused(said.refused);
      setBusy(false);
      return;
    }
    setShare(null);
    if ("refused" in said) {
      onRequired(await whoHasToGoOn(said));
      return;
    }
    location.replace(inWorkspace(offer.workspace.slug));
  };
  return (
    <>
      <h1 className="text-xl">{texts.invitation.title(offer.workspace.name)}</h1>
      <p className="text-soft">
        {texts.invitation.by(offer.made_by)} {WORDS[offer.role]}
      </p>
      {offer.groups.length > 0 && <p className="text-soft">{texts.invitation.groups(offer.groups)}</p>}
      <p className="text-xs text-faint">{texts.invitation.until(whole(offer.expires_at_ms))}</p>
      <form
        className="flex flex-col gap-3"
        onSubmit={(event) => {
          event.preventDefault();
          const given = new FormData(event.currentTarget).get("name");
          void accept(typeof given === "string" ? given.trim() : "");
        }}
      >
        {caller && (
          <p className="text-soft">
            {texts.signIn.signedInAs} <b className="font-medium text-text">{caller.name}</b>.{" "}
            {texts.invitation.joins}
          </p>
        )}
        <Field id="name" label={texts.invitation.name} hint={texts.invitation.nameHint}>
          <input
            id="name"
            name="name"
            required
            maxLength={60}
            autoComplete="name"
            defaultValue={offer.name ?? caller?.name ?? ""}
            className={INPUT}
          />
        </Field>
        {refused && (
          <p role="alert" className="rounded-lg bg-bad-soft px-3 py-2 text-bad">
            {refused}
          </p>
        )}
        <div className="flex flex-wrap gap-2">
          <Button look="primary" type="submit" disabled={busy}>
            {texts.invitation.accept(offer.workspace.name)}
          </Button>
          {caller && <Button onClick={() => location.replace(BASE)}>{texts.shared.cancel}</Button>}
        </div>
      </form>
    </>
  );
}
