import { getRouteApi } from "@tanstack/react-router";
import { useEffect, useState, type ReactNode } from "react";
import { takePlace } from "~/app/cameFrom";
import { Button } from "~/design/Button";
import { Command } from "~/design/Command";
import { ask } from "~/live/wire/ask";
import { BASE, inBase, slugInAddress } from "~/live/wire/base";
import { setShare } from "~/live/wire/guest";
import { signedIn, whoami, type Caller } from "~/live/wire/http";
import { rememberViewer } from "~/live/remembered";
import { Invitation } from "./Invitation";
import { Required, SingleSignOn } from "./SingleSignOn";
import { credentialOf, destination, type Credential } from "./credential";
import { rememberedSlug, slugOf, whoHasToGoOn, whyRefused } from "./singleSignOn";
import * as texts from "~/texts";

const route = getRouteApi("/sign-in");

type Usable = Exclude<Credential, { kind: "mangled" | "invitation" }>;

type Step =
  | { readonly at: "working"; readonly words: string }
  /** Somebody is signed in, and says what becomes of the link. */
  | { readonly at: "asking"; readonly caller: Caller; readonly credential: Usable }
  | { readonly at: "invited"; readonly caller: Caller | null; readonly secret: string }
  /** Somebody is signed in whom the workspace wants to come by single sign-on. */
  | { readonly at: "required"; readonly caller: Caller }
  | { readonly at: "waiting"; readonly caller: Caller | null; readonly refused: string | null };

const MANGLED = texts.signIn.linkIncomplete;

/** The credential of the link, taken out of the address so that it stays in no history. */
function takeCredential(): Credential | null {
  const credential = credentialOf(location.hash);
  if (location.hash) history.replaceState(null, "", location.pathname + location.search);
  return credential;
}

/** Where links lead. Nobody's sign-in is replaced without being asked, whoever made the browser open the link. */
export function SignInPage() {
  const [credential] = useState(takeCredential);
  const { to: wanted, workspace, refused } = route.useSearch();
  const [to] = useState(destination(wanted));
  const [step, setStep] = useState<Step>({ at: "working", words: texts.signIn.moment });
  useEffect(() => {
    document.title = texts.signIn.documentTitle;
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
            setStep({ at: "working", words: texts.signIn.moment });
            void follow(step.credential, to).then((next) => setStep(next));
          }}
        />
      )}
      {step.at === "invited" && (
        <Invitation
          secret={step.secret}
          caller={step.caller}
          onRequired={(caller) => setStep({ at: "required", caller })}
        />
      )}
      {step.at === "required" && (
        <>
          <NotLetIn code={refused} />
          <Required caller={step.caller} />
        </>
      )}
      {step.at === "waiting" && <HowTo {...step} workspace={workspace} code={refused} />}
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
      <h1 className="text-xl">{isShared ? texts.signIn.openShared : texts.signIn.otherPerson}</h1>
      <p className="text-soft">
        {texts.signIn.signedInAs} <Name caller={caller} />.
      </p>
      <p className="text-soft">{isShared ? texts.signIn.shareMeans : texts.signIn.linkMeans}</p>
      <div className="flex flex-wrap gap-2">
        <Button look="primary" onClick={onFollow}>
          {isShared ? texts.signIn.openAsViewer : texts.signIn.switchAccount}
        </Button>
        <Button onClick={() => location.replace(BASE)}>{texts.shared.cancel}</Button>
      </div>
    </>
  );
}

interface HowToProps {
  caller: Caller | null;
  /** Why the link did not work. */
  refused: string | null;
  /** As the address has it. */
  workspace: string | undefined;
  /** Why single sign-on let nobody in, as the address has it. */
  code: string | undefined;
}

function HowTo({ caller, refused, workspace, code }: HowToProps) {
  const asked = slugOf(workspace, rememberedSlug());
  const provider = <SingleSignOn slug={slugOf(workspace, slugInAddress(), asked)} isFirst={asked !== ""} />;
  return (
    <>
      <h1 className="text-xl">{texts.signIn.title}</h1>
      <NotLetIn code={code} />
      {refused && (
        <p role="alert" className="rounded-lg bg-bad-soft px-3 py-2 text-bad">
          {texts.signIn.linkFailed} {refused}
        </p>
      )}
      {caller && (
        <p className="text-soft">
          {texts.signIn.signedInAs} <Name caller={caller} />.{" "}
          <a className="text-accent-text underline" href={BASE}>
            {texts.signIn.goOn}
          </a>
        </p>
      )}
      {asked !== "" && (
        <>
          {provider}
          <Or />
        </>
      )}
      <p className="text-soft">{texts.signIn.howToSignIn}</p>
      <Command text="relaycast sign-in" />
      {asked === "" && (
        <>
          <Or />
          {provider}
        </>
      )}
    </>
  );
}

function NotLetIn({ code }: { code: string | undefined }) {
  if (code === undefined) return null;
  return (
    <p role="alert" className="rounded-lg bg-bad-soft px-3 py-2 text-bad">
      {whyRefused(code)}
    </p>
  );
}

function Or() {
  return (
    <p className="flex items-center gap-3 text-xs text-faint before:h-px before:flex-1 before:bg-line after:h-px after:flex-1 after:bg-line">
      {texts.signIn.or}
    </p>
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
  if (credential === null && caller?.refused === "SSO_REQUIRED") return { at: "required", caller };
  if (credential === null) return { at: "waiting", caller, refused: null };
  if (credential.kind === "mangled") return { at: "waiting", caller, refused: MANGLED };
  if (who === null) return { at: "waiting", caller, refused: texts.signIn.brokerSilent };
  if (credential.kind === "invitation") return { at: "invited", caller, secret: credential.secret };
  return caller ? { at: "asking", caller, credential } : follow(credential, to);
}

/** Do as the link says, and go on as a new page. */
async function follow(credential: Usable, to: string): Promise<Step> {
  const refused = await (credential.kind === "share" ? show(credential.secret) : signIn(credential.secret));
  if (typeof refused === "object" && refused !== null) return { at: "required", caller: refused };
  if (refused !== null) return { at: "waiting", caller: null, refused };
  location.replace(inBase(placeAfter(credential.kind, to)));
  return { at: "working", words: texts.signIn.signingIn };
}

/** A link that signs in leads to where somebody wanted to go before they were asked to. */
function placeAfter(kind: Credential["kind"], to: string): string {
  const place = takePlace();
  return kind === "code" && to === "/" ? (place ?? to) : to;
}

/** Why that failed; null where it did not. Somebody where they are signed in, and have to go on with single sign-on. */
async function signIn(code: string): Promise<string | Caller | null> {
  const done = await ask<object>("/v1/sign-in", "POST", { code });
  if ("refused" in done && done.code !== "SSO_REQUIRED") return done.refused;
  setShare(null);
  rememberViewer(null);
  return "refused" in done ? whoHasToGoOn(done) : null;
}

async function show(token: string): Promise<string | null> {
  const who = await whoami({ authorization: `Bearer ${token}` });
  if (who === null) return texts.signIn.brokerSilent;
  if (who === "nobody") return texts.signIn.shareEnded;
  setShare(token);
  return null;
}
