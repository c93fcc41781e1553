import { useNavigate } from "@tanstack/react-router";
import { Suspense, useState } from "react";
import { draftFor, keepDraft } from "~/acting/drafts";
import { Field, INPUT, Select } from "~/acting/Field";
import { Button } from "~/design/Button";
import { isError } from "~/design/problems";
import { saveAs } from "~/design/saveAs";
import { TextWithProblems } from "~/design/TextWithProblems";
import type { Answer } from "~/live/wire/ask";
import { useTextCheck } from "~/live/useTextCheck";
import { lazily } from "~/live/wire/code";
import { check, preview, rerun, start, type Preview } from "./files";
import { PlanView } from "./PlanView";
import type { Run } from "./runs";
import { TEMPLATES } from "./templates";
import * as texts from "~/texts";

// What reads YAML and draws is loaded when somebody edits.
const Designer = lazily(() => import("./designer/Designer").then((m) => ({ default: m.Designer })));

interface FileEditorProps {
  before: string;
  /** The run that it is the file of. */
  from: string | undefined;
}

/** A workflow file: checked and planned while it is typed, run anew, or as what a run goes on with. */
export function FileEditor({ before, from }: FileEditorProps) {
  const navigate = useNavigate();
  const [text, setText] = useState(() => draftFor(sessionStorage, DRAFTS, from ?? "") || before);
  const [values, setValues] = useState<Readonly<Record<string, string>>>({});
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<string>();
  const [shown, setShown] = useState<Preview & { text: string }>();
  const looked = useTextCheck(text, check);
  const problems = looked?.found?.problems ?? [];
  const missing = looked?.found?.missing ?? [];
  const good = looked?.text === text && looked.found !== undefined && !problems.some(isError);
  const edit = (next: string) => {
    setText(next);
    keepDraft(sessionStorage, DRAFTS, from ?? "", next === before ? "" : next);
  };
  const begin = (asked: Promise<Answer<Run>>) => {
    setBusy(true);
    setFailed(undefined);
    void asked.then((answer) => {
      setBusy(false);
      if ("refused" in answer) {
        setFailed(answer.refused);
        return;
      }
      keepDraft(sessionStorage, DRAFTS, from ?? "", "");
      void navigate({ to: "/workflows/$run", params: { run: answer.value.id } });
    });
  };
  const look = (run: string) => {
    setFailed(undefined);
    void preview(run, text).then((answer) => {
      if ("refused" in answer) setFailed(answer.refused);
      else setShown({ ...answer.value, text });
    });
  };
  return (
    <div className="flex min-w-0 flex-col gap-4">
      {text.trim() === "" && (
        <Field id="template" label={texts.workflows.template}>
          <Select
            id="template"
            className="sm:max-w-md"
            value=""
            onChange={({ target }) => edit(TEMPLATES[Number(target.value)]?.text ?? "")}
          >
            <option value="" disabled>
              {texts.workflows.noTemplate}
            </option>
            {TEMPLATES.map(({ title }, index) => (
              <option key={title} value={index}>
                {title}
              </option>
            ))}
          </Select>
        </Field>
      )}
      <Suspense fallback={<p className="text-faint">{texts.shared.loading}</p>}>
        <fieldset disabled={busy} className="contents">
          <Designer text={text} problems={problems} plan={looked?.found?.plan} onChange={edit} />
        </fieldset>
      </Suspense>
      <TextWithProblems
        label={texts.workflows.file}
        text={text}
        problems={problems}
        busy={busy}
        onChange={edit}
      />
      {missing.length > 0 && (
        <div className="grid gap-3 sm:grid-cols-2">
          {missing.map((name) => (
            <Field key={name} id={`var-${name}`} label={name}>
              <input
                id={`var-${name}`}
                className={INPUT}
                value={values[name] ?? ""}
                onChange={({ target }) => setValues({ ...values, [name]: target.value })}
              />
            </Field>
          ))}
        </div>
      )}
      <div className="flex flex-wrap gap-2">
        <Button look="primary" disabled={busy || !good} onClick={() => begin(start(text, values))}>
          {texts.workflows.runFile}
        </Button>
        {from && (
          <Button disabled={busy || !good} onClick={() => look(from)}>
            {texts.workflows.goOnWith}
          </Button>
        )}
        {text.trim() !== "" && (
          <Button look="quiet" onClick={() => saveAs("relay.yaml", text, "application/yaml")}>
            {texts.workflows.download}
          </Button>
        )}
        {text !== before && (
          <Button look="quiet" disabled={busy} onClick={() => edit(before)}>
            {texts.workflows.discard}
          </Button>
        )}
      </div>
      {looked?.refused && <p className="text-faint">{looked.refused}</p>}
      {failed && (
        <p role="alert" className="rounded-lg border border-line bg-bad-soft px-3 py-2 text-bad">
          {failed}
        </p>
      )}
      {from && shown?.text === text && (
        <Previewed shown={shown} busy={busy} onGo={() => begin(rerun(from, { text }))} />
      )}
      {looked?.found?.plan && <PlanView plan={looked.found.plan} />}
    </div>
  );
}

/** Among what was typed and not sent: a file, by the run that it is of. */
const DRAFTS = "workflow files";

interface PreviewedProps {
  shown: Preview;
  busy: boolean;
  onGo: () => void;
}

/** What would be done again, before it is. */
function Previewed({ shown, busy, onGo }: PreviewedProps) {
  return (
    <section aria-labelledby="again" className="flex flex-col gap-2 rounded-xl border border-line p-4">
      <h2 id="again" className="text-base font-semibold">
        {texts.workflows.againTitle}
      </h2>
      <ul className="flex flex-col gap-1">
        {shown.steps.map(({ name, kept, why }) => (
          <li key={name}>{kept ? texts.workflows.isKept(name) : texts.workflows.isAgain(name, why)}</li>
        ))}
      </ul>
      {shown.difference && <Difference text={shown.difference} />}
      <Button look="primary" className="self-start" disabled={busy} onClick={onGo}>
        {texts.workflows.goOnNow}
      </Button>
    </section>
  );
}

/** How two files differ, as `diff` writes it. */
export function Difference({ text }: { text: string }) {
  return (
    <pre
      role="region"
      tabIndex={0}
      aria-label={texts.workflows.difference}
      className="max-h-80 overflow-auto rounded-lg bg-code p-3 font-mono text-xs text-soft"
    >
      {text}
    </pre>
  );
}
