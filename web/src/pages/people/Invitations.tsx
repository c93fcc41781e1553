import { Suspense, useState } from "react";
import { useQuery } from "urql";
import { act } from "~/acting/act";
import { toast } from "~/app/toast";
import { Button } from "~/design/Button";
import { whole } from "~/design/time";
import { useLive } from "~/live/LiveContext";
import { lazily } from "~/live/wire/code";
import { INVITATIONS, RESEND_INVITATION, REVOKE_INVITATION, type Invited } from "./documents";
import { roleWords } from "./roles";
import * as texts from "~/texts";

const LinkDialog = lazily(() => import("./LinkDialog").then((m) => ({ default: m.LinkDialog })));

/** Invitations that nobody has accepted; nothing where there are none. */
export function Invitations({ onChanged }: { onChanged: () => void }) {
  const { queries } = useLive();
  const [{ data }] = useQuery({ query: INVITATIONS, requestPolicy: "cache-and-network" });
  const [link, setLink] = useState<{ url: string; until: string } | null>(null);
  if (!data || data.workspace.invitations.nodes.length === 0) return null;
  const { nodes, totalCount } = data.workspace.invitations;
  const revoke = async (invitation: Invited) => {
    const done = await act(queries, REVOKE_INVITATION, { invitation: invitation.key });
    if (done.done) toast(texts.people.revoked);
    else toast(texts.people.notDone, { description: done.message, failed: true });
    onChanged();
  };
  const resend = async (invitation: Invited) => {
    const done = await act(queries, RESEND_INVITATION, { invitation: invitation.key, days: 7 });
    if (!done.done) toast(texts.people.notDone, { description: done.message, failed: true });
    else if (done.result.__typename === "InvitationSent")
      setLink({ url: done.result.url, until: done.result.invitation.expiresAt });
  };
  return (
    <section aria-labelledby="invitations" className="flex flex-col gap-3">
      <h2 id="invitations" className="text-base font-semibold">
        {texts.people.invited(totalCount ?? nodes.length)}
      </h2>
      <ul className="flex flex-col divide-y divide-line rounded-xl border border-line">
        {nodes.map((invitation) => (
          <li key={invitation.key} className="flex flex-wrap items-center gap-x-3 gap-y-2 px-3 py-2">
            <span className="min-w-0 flex-1 basis-56">
              <span className="font-medium break-words">{invitation.name ?? texts.people.somebody}</span>{" "}
              <span className="text-soft">
                {texts.people.asRole(roleWords(invitation.role).title)}
                {invitation.groups.length > 0 && ` · ${invitation.groups.join(", ")}`}
              </span>
              <span className="block text-xs text-faint">
                {texts.people.openUntil(whole(Date.parse(invitation.expiresAt)))}
                {invitation.madeBy && ` · ${texts.people.invitedBy(invitation.madeBy)}`}
              </span>
            </span>
            <Button size="small" onClick={() => void resend(invitation)}>
              {texts.people.newLink}
            </Button>
            <Button size="small" look="danger" onClick={() => void revoke(invitation)}>
              {texts.people.revoke}
            </Button>
          </li>
        ))}
      </ul>
      <Suspense>
        {link && (
          <LinkDialog
            title={texts.people.linkReady}
            {...link}
            onClose={() => {
              setLink(null);
              onChanged();
            }}
          />
        )}
      </Suspense>
    </section>
  );
}
