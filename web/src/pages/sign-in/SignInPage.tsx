import { getRouteApi } from "@tanstack/react-router";
import { useEffect, useState, type ReactNode } from "react";
import { Button } from "~/design/Button";
import { Command } from "~/design/Command";
import { BASE, inBase } from "~/live/base";
import { setShare } from "~/live/guest";
import { post, signedIn, whoami, type Caller } from "~/live/http";
import { credentialOf, destination, type Credential } from "./credential";

const route = getRouteApi("/sign-in");

type Usable = Exclude<Credential, { kind: "mangled" }>;

type Step =
  | { readonly at: "working"; readonly words: string }
  /** Somebody is signed in, and says what becomes of the link. */
  | { readonly at: "asking"; readonly caller: Caller; readonly credential: Usable }
  | { readonly at: "waiting"; readonly caller: Caller | null; readonly refused: string | null };

const MANGLED = "the link is not whole. Copy all of it, or ask for another one.";

/** The credential of the link, taken out of the address so that it stays in no history. */
function takeCredential(): Credential | null {
  const credential = credentialOf(location.hash);
  if (location.hash) history.replaceState(null, "", location.pathname + location.search);
  return credential;
}

/** Where links lead. Nobody's sign-in is replaced without being asked, whoever made the browser open the link. */
export function SignInPage() {
  const [credential] = useState(takeCredential);
  const [to] = useState(destination(route.useSearch().to));
  const [step, setStep] = useState<Step>({ at: "working", words: "One moment…" });
  useEffect(() => {
    document.title = "Sign in · Relaycast";
    void begin(credential, to).then(setStep);
    // Another link, pasted into the address of this very page.
    const anew = () => location.reload();
    window.addEventListener("hashchange", anew);
    return () => window.removeEventListener("hashchange", anew);
  }, [credential, to]);
  return (
    <main className="mx-auto flex min-h-full max-w-md flex-col justify-center gap-4 px-6 py-12">
      <img src={inBase("/icon.svg")} alt="" width="36" height="36" />
      {step.at === "working" && (
        <p role="status" className="text-base text-soft">
          {step.words}
        </p>
      )}
      {step.at === "asking" && (
        <Question
          {...step}
          onFollow={() => {
            setStep({ at: "working", words: "One moment…" });
            void follow(step.credential, to).then((next) => setStep(next));
          }}
        />
      )}
      {step.at === "waiting" && <HowTo {...step} />}
    </main>
  );
}

function Question({
  caller,
  credential,
  onFollow,
}: {
  caller: Caller;
  credential: Usable;
  onFollow: () => void;
}) {
  const isShared = credential.kind === "share";
  return (
    <>
      <h1 className="text-xl">
        {isShared ? "Open the shared session as a viewer?" : "Sign in as somebody else?"}
      </h1>
      <p className="text-soft">
        You are signed in as <Name caller={caller} />.
      </p>
      <p className="text-soft">
        {isShared
          ? "This link shows one session, read-only. It opens in this tab alone; you stay signed in."
          : "This link signs in whoever it was made for, in every tab of this browser, and what is done here then counts as theirs. Go on only if you asked for it."}
      </p>
      <div className="flex flex-wrap gap-2">
        <Button look="primary" onClick={onFollow}>
          {isShared ? "Open as a viewer in this tab" : "Switch account"}
        </Button>
        <Button onClick={() => location.replace(BASE)}>Cancel</Button>
      </div>
    </>
  );
}

function HowTo({ caller, refused }: { caller: Caller | null; refused: string | null }) {
  return (
    <>
      <h1 className="text-xl">Sign in to Relaycast</h1>
      {refused && (
        <p role="alert" className="rounded-lg bg-bad-soft px-3 py-2 text-bad">
          The link did not work: {refused}
        </p>
      )}
      {caller && (
        <p className="text-soft">
          You are signed in as <Name caller={caller} />.{" "}
          <a className="text-accent-text underline" href={BASE}>
            Go on
          </a>
        </p>
      )}
      <p className="text-soft">
        There are no passwords. On the broker&apos;s machine, this prints a link that works once, for ten
        minutes:
      </p>
      <Command text="relaycast sign-in" />
    </>
  );
}

function Name({ caller }: { caller: Caller }): ReactNode {
  return (
    <>
      <b className="font-medium text-text">{caller.name}</b>
      {caller.role && ` (${caller.role})`}
    </>
  );
}

let begun: Promise<Step> | undefined;

/** What the page begins with. A code works once, so all this happens once. */
function begin(credential: Credential | null, to: string): Promise<Step> {
  begun ??= beginOnce(credential, to);
  return begun;
}

async function beginOnce(credential: Credential | null, to: string): Promise<Step> {
  const who = await signedIn();
  const caller = who === "nobody" ? null : who;
  if (credential === null) return { at: "waiting", caller, refused: null };
  if (credential.kind === "mangled") return { at: "waiting", caller, refused: MANGLED };
  if (who === null) return { at: "waiting", caller, refused: "the broker does not answer" };
  return caller ? { at: "asking", caller, credential } : follow(credential, to);
}

/** Do as the link says, and go on as a new page. */
async function follow(credential: Usable, to: string): Promise<Step> {
  const refused = await (credential.kind === "share" ? show(credential.secret) : signIn(credential.secret));
  if (refused !== null) return { at: "waiting", caller: null, refused };
  location.replace(inBase(to));
  return { at: "working", words: "Signing in…" };
}

async function signIn(code: string): Promise<string | null> {
  const refused = await post("/v1/sign-in", { code });
  if (refused === null) setShare(null);
  return refused;
}

async function show(token: string): Promise<string | null> {
  const who = await whoami({ authorization: `Bearer ${token}` });
  if (who === null) return "the broker does not answer";
  if (who === "nobody") return "what was shared has ended, or was taken back";
  setShare(token);
  return null;
}
