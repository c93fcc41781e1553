import { Link } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { act } from "~/acting/act";
import { FormDialog } from "~/acting/FormDialog";
import { toast } from "~/app/toast";
import { Badge } from "~/design/Badge";
import { Button } from "~/design/Button";
import { ToCopy } from "~/design/ToCopy";
import { whole } from "~/design/time";
import { useLive, useWorkspace } from "~/live/LiveContext";
import { useReadable } from "~/live/useReadable";
import { said } from "~/live/wire/http";
import { REMOVE, SINGLE_SIGN_ON, type Standing } from "./documents";
import { TermsForm } from "./TermsForm";
import * as texts from "~/texts";

/** Single sign-on of the workspace: shown to who administers, changed by owners. */
export function SingleSignOnSettings() {
  const overview = useReadable(useWorkspace().overview);
  if (overview.state !== "ready") return null;
  const { viewer } = overview.value;
  if (!viewer.permissions.includes("ADMINISTER")) return null;
  return <Card owns={viewer.role === "OWNER" || viewer.kind === "WORKSPACE"} />;
}

function Card({ owns }: { owns: boolean }) {
  const { queries } = useLive();
  const [standing, setStanding] = useState<Standing | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  useEffect(() => {
    void queries
      .query(SINGLE_SIGN_ON, {}, { requestPolicy: "network-only" })
      .toPromise()
      .then(({ data, error }) => {
        if (data) setStanding(data.workspace.singleSignOn);
        else setProblem(said(error));
      });
  }, [queries]);
  return (
    <section aria-labelledby="single-sign-on" className="flex flex-col gap-4">
      <h2 id="single-sign-on" className="flex items-center gap-2 text-base">
        {texts.singleSignOn.title}
        {standing?.provider && <Badge tone="good">{texts.singleSignOn.on}</Badge>}
      </h2>
      <p className="text-faint">{texts.singleSignOn.means}</p>
      {problem && (
        <p role="alert" className="text-bad">
          {problem}
        </p>
      )}
      {standing && <Inside owns={owns} standing={standing} onChange={setStanding} />}
    </section>
  );
}

interface InsideProps {
  owns: boolean;
  standing: Standing;
  onChange: (standing: Standing) => void;
}

function Inside({ owns, standing, onChange }: InsideProps) {
  const [removing, setRemoving] = useState(false);
  const { provider, lastFailure, missing } = standing;
  // What was set up stays shown when the plan is a smaller one.
  const isShown = provider !== null ? true : owns && missing === null;
  return (
    <>
      {missing && (
        <p className="rounded-lg bg-warn-soft px-3 py-2 text-warn">
          {texts.singleSignOn.missing(missing)}{" "}
          <Link to="/usage" className="underline">
            {texts.singleSignOn.plans}
          </Link>
        </p>
      )}
      {!owns && <p className="text-soft">{texts.singleSignOn.ownersOnly}</p>}
      {lastFailure && (
        <p className="rounded-lg bg-warn-soft px-3 py-2 break-words text-warn">
          {texts.singleSignOn.lastFailure(whole(Date.parse(lastFailure.at)))} {lastFailure.message}
        </p>
      )}
      {isShown && (
        <>
          <div className="flex flex-col gap-3">
            <Copied label={texts.singleSignOn.answerAt} text={standing.answerAt} />
            {provider && <Copied label={texts.singleSignOn.signInAt} text={standing.signInAt} />}
          </div>
          <TermsForm key={provider?.key ?? ""} owns={owns} provider={provider} onSaved={onChange} />
        </>
      )}
      {provider && owns && (
        <div className="flex flex-col items-start gap-2 border-t border-line pt-4">
          <p className="text-faint">{texts.singleSignOn.removeMeans}</p>
          <Button look="danger" onClick={() => setRemoving(true)}>
            {texts.singleSignOn.remove}
          </Button>
        </div>
      )}
      {removing && <RemoveDialog onDone={onChange} onClose={() => setRemoving(false)} />}
    </>
  );
}

interface RemoveDialogProps {
  onDone: (standing: Standing) => void;
  onClose: () => void;
}

function RemoveDialog({ onDone, onClose }: RemoveDialogProps) {
  const { queries } = useLive();
  const submit = async () => {
    const done = await act(queries, REMOVE, {});
    if (!done.done) return done.message;
    if ("singleSignOn" in done.result) onDone(done.result.singleSignOn);
    toast(texts.singleSignOn.removed);
    onClose();
    return null;
  };
  return (
    <FormDialog
      title={texts.singleSignOn.removeTitle}
      description={texts.singleSignOn.removeMeans}
      doIt={texts.singleSignOn.removeIt}
      isDanger
      submit={submit}
      onClose={onClose}
    >
      <p className="text-soft">{texts.singleSignOn.removeLink}</p>
    </FormDialog>
  );
}

function Copied({ label, text }: { label: string; text: string }) {
  return (
    <div className="flex flex-col gap-1">
      <span className="text-xs text-soft">{label}</span>
      <ToCopy text={text} label={texts.singleSignOn.copy(label)} />
    </div>
  );
}
