import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { Field, INPUT } from "~/acting/Field";
import { keptPlace } from "~/app/cameFrom";
import { Button } from "~/design/Button";
import { slugInAddress } from "~/live/wire/base";
import type { Caller } from "~/live/wire/http";
import { leave } from "./leave";
import { goToProvider, pageIn, rememberedSlug, slugOf } from "./singleSignOn";
import * as texts from "~/texts";

const route = getRouteApi("/sign-in");

/** Leads away from this page, one way at a time: what is refused is said, and may be tried again. */
function useGoing() {
  const { then } = route.useSearch();
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const doing = async (leads: () => Promise<string | null>) => {
    setBusy(true);
    const refused = await leads();
    setProblem(refused);
    if (refused !== null) setBusy(false);
  };
  const go = (workspace: string) =>
    doing(() => goToProvider(workspace, pageIn(workspace, then, keptPlace())));
  return { go, doing, busy, problem };
}

/** Asks for the workspace, and goes to its identity provider. `slug`: what is known of it. */
export function SingleSignOn({ slug, isFirst }: { slug: string; isFirst: boolean }) {
  const { go, busy, problem } = useGoing();
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
  const { go, doing, busy, problem } = useGoing();
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
            <Button look="primary" disabled={busy} onClick={() => void go(slug)}>
              {texts.signIn.goOnWithSingleSignOn}
            </Button>
            <Button disabled={busy} onClick={() => void doing(() => leave(false))}>
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
