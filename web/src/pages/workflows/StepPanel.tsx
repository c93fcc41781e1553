import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { Field, TextArea } from "~/acting/Field";
import { usePermissions } from "~/acting/usePermissions";
import { toast } from "~/app/toast";
import { Badge } from "~/design/Badge";
import { Button } from "~/design/Button";
import { Command } from "~/design/Command";
import { Dialog } from "~/design/Dialog";
import { clock, duration } from "~/design/time";
import { Words } from "~/design/Words";
import { post } from "~/live/wire/http";
import { rerun } from "./files";
import { isOver, offeredForStep, type StepAct } from "./model/offered";
import { AttemptOutput } from "./AttemptOutput";
import { Gate } from "./Gate";
import { stepPath, type Attempt, type Step, type WholeRun } from "./runs";
import { stepWords, toneOf } from "./words";
import * as texts from "~/texts";

interface StepPanelProps {
  run: WholeRun;
  step: Step;
  again: () => void;
}

/** One step: what it is, why it stands as it does, its attempts with what they have said, and what can be done. */
export function StepPanel({ run, step, again }: StepPanelProps) {
  const [shown, setShown] = useState<number>();
  const latest = step.attempts.at(-1);
  const attempt = step.attempts.find((each) => each.number === shown) ?? latest;
  return (
    <section aria-labelledby="step" className="flex min-w-0 flex-col gap-3 rounded-xl border border-line p-4">
      <div className="flex flex-wrap items-center gap-2">
        <h2 id="step" className="min-w-0 truncate text-base font-semibold">
          {step.name}
        </h2>
        <Badge tone={toneOf(step.state)}>{stepWords(step.state)}</Badge>
        <span className="text-xs text-faint">{step.type}</span>
      </div>
      {step.reason && (
        <p className="break-words text-soft">
          <Words text={step.reason} />
        </p>
      )}
      <Facts run={run} step={step} />
      {step.type === "approval" && step.state === "running" && <Gate run={run} step={step} />}
      {step.webhook && (
        <div className="flex flex-col gap-1">
          <p className="text-soft">{texts.workflows.called}</p>
          <Command text={`curl -d done ${step.webhook}`} />
        </div>
      )}
      <StepActs run={run} step={step} again={again} />
      {attempt && (
        <>
          <Attempts step={step} chosen={attempt.number} onChoose={setShown} />
          <AttemptOutput
            key={`${attempt.number} ${attempt.ended_at_ms}`}
            run={run}
            step={step}
            attempt={attempt}
          />
        </>
      )}
    </section>
  );
}

function Facts({ run, step }: { run: WholeRun; step: Step }) {
  return (
    <ul className="flex flex-wrap gap-x-4 gap-y-1 text-xs text-faint empty:hidden">
      {step.agent && (
        <li>
          <AgentLink session={run.session} agent={step.agent} />
        </li>
      )}
      {step.after.length > 0 && <li>{texts.workflows.after(step.after.join(", "))}</li>}
      {step.round > 1 && <li>{texts.workflows.round(step.round)}</li>}
      {step.tokens > 0 && <li>{texts.workflows.tokens(step.tokens)}</li>}
      {step.choice && <li>{texts.workflows.choice(step.choice)}</li>}
      {step.until_ms !== null && <li>{texts.workflows.until(clock(step.until_ms))}</li>}
      {step.by_hand && <li>{texts.workflows.byHand}</li>}
    </ul>
  );
}

/** To the conversation of the step's agent, whose name in the session has fewer letters than a file may give it. */
function AgentLink({ session, agent }: { session: string; agent: string }) {
  return (
    <Link
      to="/session/$key"
      params={{ key: session }}
      search={{ agent: agent.replaceAll(/[^A-Za-z0-9_.-]+/g, "-") }}
      className="text-accent-text underline underline-offset-2"
    >
      {texts.workflows.conversation(agent)}
    </Link>
  );
}

function Attempts({
  step,
  chosen,
  onChoose,
}: {
  step: Step;
  chosen: number;
  onChoose: (attempt: number) => void;
}) {
  if (step.attempts.length < 2) return null;
  return (
    <div role="group" aria-label={texts.workflows.attempts} className="flex flex-wrap gap-1">
      {step.attempts.map((each) => (
        <Button
          key={each.number}
          size="small"
          look={each.number === chosen ? "plain" : "quiet"}
          aria-pressed={each.number === chosen}
          onClick={() => onChoose(each.number)}
        >
          {texts.workflows.attemptIs(each.number, outcomeOf(each))}
        </Button>
      ))}
    </div>
  );
}

function outcomeOf(attempt: Attempt): string {
  if (attempt.outcome === null || attempt.ended_at_ms === null) return texts.workflows.running;
  return `${attempt.outcome.replaceAll("_", " ")}, ${duration(attempt.ended_at_ms - attempt.started_at_ms)}`;
}

function StepActs({ run, step, again }: StepPanelProps) {
  const permissions = usePermissions();
  const [busy, setBusy] = useState(false);
  const [skipping, setSkipping] = useState(false);
  const carryOut = (act: StepAct, body: object = {}) => {
    setBusy(true);
    void post(`${stepPath(run.id, step.name)}/${act}`, body).then((refused) => {
      setBusy(false);
      if (refused) toast(texts.workflows.notDone, { description: refused, failed: true });
      again();
    });
  };
  const navigate = useNavigate();
  const offered = offeredForStep(run, step, permissions);
  const repeats = permissions.has("SPAWN") && isOver(run) && step.attempt > 0;
  const fromHere = () => {
    setBusy(true);
    void rerun(run.id, { step: step.name }).then((answer) => {
      setBusy(false);
      if ("value" in answer) void navigate({ to: "/workflows/$run", params: { run: answer.value.id } });
      else toast(texts.workflows.notDone, { description: answer.refused, failed: true });
    });
  };
  if (offered.length === 0 && !repeats) return null;
  const words = {
    retry: texts.workflows.retry,
    skip: texts.workflows.skip,
    fail: texts.workflows.giveUp,
  };
  return (
    <div className="flex flex-wrap gap-2">
      {offered.map((act) => (
        <Button
          key={act}
          size="small"
          look={act === "retry" ? "primary" : act === "fail" ? "danger" : "plain"}
          disabled={busy}
          onClick={() => (act === "skip" ? setSkipping(true) : carryOut(act))}
        >
          {words[act]}
        </Button>
      ))}
      {repeats && (
        <Button size="small" disabled={busy} onClick={fromHere}>
          {texts.workflows.fromHere}
        </Button>
      )}
      <SkipDialog
        step={step.name}
        open={skipping}
        onClose={() => setSkipping(false)}
        onSkip={(output) => {
          setSkipping(false);
          carryOut("skip", { output });
        }}
      />
    </div>
  );
}

interface SkipDialogProps {
  step: string;
  open: boolean;
  onClose: () => void;
  onSkip: (output: string) => void;
}

function SkipDialog({ step, open, onClose, onSkip }: SkipDialogProps) {
  const [output, setOutput] = useState("");
  return (
    <Dialog
      open={open}
      onClose={onClose}
      title={texts.workflows.skipTitle(step)}
      description={texts.workflows.skipHow}
    >
      <form
        className="flex flex-col gap-4 px-5 pb-5"
        onSubmit={(event) => {
          event.preventDefault();
          onSkip(output);
        }}
      >
        <Field id="skip-output" label={texts.workflows.output} hint={texts.workflows.outputHint}>
          <TextArea
            id="skip-output"
            rows={4}
            value={output}
            onChange={({ target }) => setOutput(target.value)}
          />
        </Field>
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>{texts.shared.cancel}</Button>
          <Button look="primary" type="submit">
            {texts.workflows.skip}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
