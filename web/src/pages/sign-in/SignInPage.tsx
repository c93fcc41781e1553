import { getRouteApi } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { Command } from "~/design/Command";
import { post } from "~/live/http";
import { credentialOf, destination, type Credential } from "./credential";

const route = getRouteApi("/sign-in");

/** The credential of the link, taken out of the address so that it stays in no history. */
function takeCredential(): Credential | null {
  const credential = credentialOf(location.hash);
  if (credential) history.replaceState(null, "", location.pathname);
  return credential;
}

/** Where a one-time link leads: it signs in and goes on, or says how to get another link. */
export function SignInPage() {
  const [credential] = useState(takeCredential);
  const [to] = useState(destination(route.useSearch().to));
  const [refused, setRefused] = useState<string | null>(null);
  useEffect(() => {
    document.title = "Sign in · Relaycast";
    if (credential) void signIn(credential, to).then(setRefused);
  }, [credential, to]);
  return (
    <main className="mx-auto flex min-h-full max-w-md flex-col justify-center gap-4 px-6 py-12">
      <img src="/icon.svg" alt="" width="36" height="36" />
      {credential && !refused ? (
        <p role="status" className="text-base text-soft">
          Signing in…
        </p>
      ) : (
        <>
          <h1 className="text-xl">Sign in to Relaycast</h1>
          {refused && (
            <p role="alert" className="rounded-lg bg-bad-soft px-3 py-2 text-bad">
              The link did not work: {refused}
            </p>
          )}
          <p className="text-soft">
            There are no passwords. On the broker&apos;s machine, this prints a link that works once, for ten
            minutes:
          </p>
          <Command text="relaycast sign-in" />
        </>
      )}
    </main>
  );
}

let pending: Promise<string | null> | undefined;

/** Trade a code or a share token for the cookie and go on as a new page. A code works once, so it is sent once. */
function signIn(credential: Credential, to: string): Promise<string | null> {
  pending ??= post("/v1/sign-in", credential).then((refused) => {
    if (!refused) location.replace(to);
    return refused;
  });
  return pending;
}
