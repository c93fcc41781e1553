import { useEffect, useState } from "react";
import { toast } from "~/app/toast";
import { Button } from "~/design/Button";
import { BASE } from "~/live/wire/base";
import { isGuest, setShare } from "~/live/wire/guest";
import { useLive } from "~/live/LiveContext";
import { leave } from "~/pages/sign-in/leave";
import { goToProvider, pageIn } from "~/pages/sign-in/singleSignOn";
import { HAS_SINGLE_SIGN_ON } from "./single-sign-on/documents";
import * as texts from "~/texts";

/** Leave what this tab shows: a share, or what a person signed in for. */
export function SignOut() {
  return isGuest() ? <LeaveShare /> : <LeaveAccount />;
}

function LeaveShare() {
  return (
    <section aria-labelledby="sign-out">
      <h2 id="sign-out" className="mb-1 text-base">
        {texts.settings.shared}
      </h2>
      <p className="mb-3 text-faint">{texts.settings.sharedMeans}</p>
      <Button onClick={leaveShare}>{texts.settings.leaveShared}</Button>
    </section>
  );
}

/** Be oneself again, as a new page that holds nothing of what this one knew. */
function leaveShare(): void {
  setShare(null);
  location.assign(BASE);
}

function LeaveAccount() {
  const [busy, setBusy] = useState(false);
  const signOut = async (everywhere: boolean) => {
    setBusy(true);
    const refused = await leave(everywhere);
    setBusy(false);
    if (refused) toast(texts.settings.stillSignedIn, { description: refused, failed: true });
  };
  return (
    <section aria-labelledby="sign-out">
      <h2 id="sign-out" className="mb-1 text-base">
        {texts.settings.signOut}
      </h2>
      <p className="mb-3 text-faint">
        {texts.settings.newLink} <code className="text-soft">relaycast sign-in</code>{" "}
        {texts.settings.newLinkWhere}
      </p>
      <div className="flex flex-wrap gap-2">
        <Button disabled={busy} onClick={() => void signOut(false)}>
          {texts.settings.signOutHere}
        </Button>
        <Button look="danger" disabled={busy} onClick={() => void signOut(true)}>
          {texts.settings.signOutEverywhere}
        </Button>
      </div>
      <LinkIdentity />
    </section>
  );
}

/** Lets whoever is signed in be, too, whom the workspace's identity provider says that they are. */
function LinkIdentity() {
  const { queries } = useLive();
  const [slug, setSlug] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    void queries
      .query(HAS_SINGLE_SIGN_ON, {})
      .toPromise()
      .then(({ data }) => {
        if (data?.workspace.hasSingleSignOn) setSlug(data.workspace.slug);
      });
  }, [queries]);
  if (slug === null) return null;
  const link = async () => {
    setBusy(true);
    const refused = await goToProvider(slug, pageIn(slug, undefined, "/settings"));
    if (refused === null) return;
    setBusy(false);
    toast(texts.singleSignOn.notLinked, { description: refused, failed: true });
  };
  return (
    <div className="mt-4 flex flex-col items-start gap-2">
      <p className="text-faint">{texts.singleSignOn.linkMeans}</p>
      <Button disabled={busy} onClick={() => void link()}>
        {texts.singleSignOn.link}
      </Button>
    </div>
  );
}
