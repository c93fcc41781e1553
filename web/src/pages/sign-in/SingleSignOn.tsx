import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { Field, INPUT } from "~/acting/Field";
import { keptPlace } from "~/app/cameFrom";
import { Button } from "~/design/Button";
import { rememberViewer } from "~/live/remembered";
import { inBase, slugInAddress } from "~/live/wire/base";
import { post, type Caller } from "~/live/wire/http";
import { goToProvider, pageIn, rememberedSlug, slugOf } from "./singleSignOn";
import * as texts from "~/texts";

const route = getRouteApi("/sign-in");

/** Asks for the workspace, and goes to its identity provider. `slug`: what is known of it. */
export function SingleSignOn({ slug, isFirst }: { slug: string; isFirst: boolean }) {
  const { then } = route.useSearch();
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const go = async (workspace: string) => {
    setBusy(true);
    const refused = await goToProvider(workspace, pageIn(workspace, then, keptPlace()));
    setProblem(refused);
    if (refused !== null) setBusy(false);
  };
  return (
    <form
      aria-label={texts.signIn.singleSignOn}
      className="flex flex-col gap-3"
      onSubmit={(event) => {
        event.preventDefault();
        const given = new FormData(event.currentTarget).get("workspace");
        void go(typeof given === "string" ? given.trim().toLowerCase() : "");
      }}
    >
      <Field id="workspace" label={texts.signIn.workspace} hint={texts.signIn.workspaceHint}>
        <input
          id="workspace"
          name="workspace"
          required
          maxLength={40}
          autoComplete="organization"
          autoCapitalize="none"
          spellCheck={false}
          defaultValue={slug}
          className={INPUT}
        />
      </Field>
      <Problem>{problem}</Problem>
      <Button type="submit" look={isFirst ? "primary" : "plain"} disabled={busy} className="self-start">
        {texts.signIn.bySingleSignOn}
      </Button>
    </form>
  );
}

/** Somebody is signed in whom the workspace lets do nothing until its identity provider has said who they are. */
export function Required({ caller }: { caller: Caller }) {
  const slug = slugOf(caller.workspace?.slug, slugInAddress(), rememberedSlug());
  const { then } = route.useSearch();
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const go = async () => {
    setBusy(true);
    const refused = await goToProvider(slug, pageIn(slug, then, keptPlace()));
    setProblem(refused);
    if (refused !== null) setBusy(false);
  };
  const leave = async () => {
    setBusy(true);
    const refused = await post("/v1/sign-out", { everywhere: false });
    setProblem(refused);
    setBusy(false);
    if (refused !== null) return;
    rememberViewer(null);
    // A new page holds nothing of what this one knew.
    location.assign(inBase("/sign-in"));
  };
  return (
    <>
      <h1 className="text-xl">{texts.signIn.required}</h1>
      <p className="text-soft">
        {caller.name !== "" && (
          <>
            {texts.signIn.signedInAs} <b className="font-medium text-text">{caller.name}</b>.{" "}
          </>
        )}
        {texts.signIn.requiredMeans}
      </p>
      {slug === "" ? (
        <SingleSignOn slug="" isFirst />
      ) : (
        <>
          <Problem>{problem}</Problem>
          <div className="flex flex-wrap gap-2">
            <Button look="primary" disabled={busy} onClick={() => void go()}>
              {texts.signIn.goOnWithSingleSignOn}
            </Button>
            <Button disabled={busy} onClick={() => void leave()}>
              {texts.settings.signOutHere}
            </Button>
          </div>
        </>
      )}
    </>
  );
}

function Problem({ children }: { children: string | null }) {
  return (
    <p role="alert" className="rounded-lg bg-bad-soft px-3 py-2 text-bad empty:hidden">
      {children}
    </p>
  );
}
