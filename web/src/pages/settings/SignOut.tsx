import { useState } from "react";
import { toast } from "~/app/toast";
import { Button } from "~/design/Button";
import { BASE, inBase } from "~/live/base";
import { isGuest, setShare } from "~/live/guest";
import { post } from "~/live/http";

/** Leave what this tab shows: a share, or what a person signed in for. */
export function SignOut() {
  return isGuest() ? <LeaveShare /> : <LeaveAccount />;
}

function LeaveShare() {
  return (
    <section aria-labelledby="sign-out">
      <h2 id="sign-out" className="mb-1 text-base">
        Shared session
      </h2>
      <p className="mb-3 text-faint">
        This tab shows what a link shares, as a viewer. Your own sign-in, if there is one, is not touched.
      </p>
      <Button onClick={leaveShare}>Leave the shared session</Button>
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
  const leave = async (everywhere: boolean) => {
    setBusy(true);
    const refused = await post("/v1/sign-out", { everywhere });
    setBusy(false);
    if (refused) toast("You are still signed in", { description: refused, failed: true });
    // A new page holds nothing of what this one knew.
    else location.assign(inBase("/sign-in"));
  };
  return (
    <section aria-labelledby="sign-out">
      <h2 id="sign-out" className="mb-1 text-base">
        Sign out
      </h2>
      <p className="mb-3 text-faint">
        A new sign-in link comes from <code className="text-soft">relaycast sign-in</code> on the
        broker&apos;s machine.
      </p>
      <div className="flex flex-wrap gap-2">
        <Button disabled={busy} onClick={() => void leave(false)}>
          Sign out here
        </Button>
        <Button look="danger" disabled={busy} onClick={() => void leave(true)}>
          Sign out everywhere
        </Button>
      </div>
    </section>
  );
}
