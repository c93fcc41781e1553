import { useState, type SubmitEvent } from "react";
import { Field, INPUT } from "~/acting/Field";
import { toast } from "~/app/toast";
import { Button } from "~/design/Button";
import { Dialog, DialogBody, DialogFoot } from "~/design/Dialog";
import { ask } from "~/live/wire/ask";
import { inBase, inWorkspace, namesWorkspace } from "~/live/wire/base";
import { useWorkspace } from "~/live/LiveContext";
import { useReadable } from "~/live/useReadable";
import * as texts from "~/texts";

interface Named {
  readonly name: string;
  readonly slug: string;
}

/** The workspace's name and address, for who administers; and putting it away, for owners. */
export function WorkspaceSettings() {
  const overview = useReadable(useWorkspace().overview);
  const [asking, setAsking] = useState<"archive" | "delete" | null>(null);
  if (overview.state !== "ready") return null;
  const { viewer, workspace } = overview.value;
  if (!viewer.permissions.includes("ADMINISTER")) return null;
  const owns = viewer.role === "OWNER" || viewer.kind === "WORKSPACE";
  return (
    <section aria-labelledby="workspace" className="flex flex-col gap-4">
      <h2 id="workspace" className="text-base">
        {texts.settings.workspace}
      </h2>
      <NameForm key={`${workspace.name} ${workspace.slug}`} workspace={workspace} />
      {owns && (
        <div className="flex flex-col gap-3">
          <p className="text-faint">{texts.settings.awayMeans}</p>
          <div className="flex flex-wrap gap-2">
            <Button onClick={() => setAsking("archive")}>{texts.settings.archiveWorkspace}</Button>
            <Button look="danger" onClick={() => setAsking("delete")}>
              {texts.settings.deleteWorkspace}
            </Button>
          </div>
        </div>
      )}
      {asking && <AwayDialog what={asking} workspace={workspace} onClose={() => setAsking(null)} />}
    </section>
  );
}

function NameForm({ workspace }: { workspace: Named }) {
  const known = useWorkspace();
  const [problem, setProblem] = useState<string | null>(null);
  const submit = async (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget);
    const text = (name: string) => {
      const value = given.get(name);
      return typeof value === "string" ? value.trim() : "";
    };
    const changed = { name: text("name"), slug: text("slug") };
    const done = await ask<Named>("/v1/workspace", "PATCH", changed);
    if ("refused" in done) {
      setProblem(done.refused);
      return;
    }
    setProblem(null);
    toast(texts.settings.renamed(done.value.name));
    if (done.value.slug !== workspace.slug && namesWorkspace())
      location.replace(inWorkspace(done.value.slug, "/settings"));
    else known.refreshSoon();
  };
  return (
    <form className="flex flex-col gap-3" onSubmit={(event) => void submit(event)}>
      <Field id="workspace-name" label={texts.settings.workspaceName}>
        <input
          id="workspace-name"
          name="name"
          required
          maxLength={60}
          defaultValue={workspace.name}
          className={INPUT}
        />
      </Field>
      <Field id="workspace-slug" label={texts.settings.workspaceSlug} hint={texts.settings.slugHint}>
        <input
          id="workspace-slug"
          name="slug"
          required
          maxLength={40}
          pattern="[a-z0-9]([a-z0-9\-]*[a-z0-9])?"
          defaultValue={workspace.slug}
          className={INPUT}
        />
      </Field>
      <p role="alert" className="text-bad empty:hidden">
        {problem}
      </p>
      <Button type="submit" className="self-start">
        {texts.settings.saveWorkspace}
      </Button>
    </form>
  );
}

interface AwayDialogProps {
  what: "archive" | "delete";
  workspace: Named;
  onClose: () => void;
}

/** Asks for the workspace's name before it is put away or deleted. */
function AwayDialog({ what, workspace, onClose }: AwayDialogProps) {
  const [typed, setTyped] = useState("");
  const [problem, setProblem] = useState<string | null>(null);
  const deletes = what === "delete";
  const submit = async (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const done = await (deletes
      ? ask<Named>("/v1/workspace", "DELETE")
      : ask<Named>("/v1/workspace/archive", "POST"));
    if ("refused" in done) setProblem(done.refused);
    // A new page holds nothing of what this one knew.
    else location.assign(inBase("/sign-in"));
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title={
        deletes ? texts.settings.deleteTitle(workspace.name) : texts.settings.archiveTitle(workspace.name)
      }
      description={deletes ? texts.settings.deleteMeans : texts.settings.archiveMeans}
    >
      <form className="contents" onSubmit={(event) => void submit(event)}>
        <DialogBody>
          <Field id="workspace-typed" label={texts.settings.typeName(workspace.name)}>
            <input
              id="workspace-typed"
              autoComplete="off"
              value={typed}
              onChange={(event) => setTyped(event.target.value)}
              className={INPUT}
            />
          </Field>
          <p role="alert" className="mt-2 text-bad empty:hidden">
            {problem}
          </p>
        </DialogBody>
        <DialogFoot>
          <Button look="quiet" onClick={onClose}>
            {texts.shared.cancel}
          </Button>
          <Button type="submit" look="danger" disabled={typed.trim() !== workspace.name}>
            {deletes ? texts.settings.deleteIt : texts.settings.archiveIt}
          </Button>
        </DialogFoot>
      </form>
    </Dialog>
  );
}
