import { getRouteApi, Link } from "@tanstack/react-router";
import { Suspense, useCallback, useState } from "react";
import { usePermissions } from "~/acting/usePermissions";
import { toast } from "~/app/toast";
import { Badge } from "~/design/Badge";
import { Button } from "~/design/Button";
import { Command } from "~/design/Command";
import { Empty } from "~/design/Empty";
import { useNow } from "~/design/now";
import { PageHead } from "~/design/PageHead";
import { duration } from "~/design/time";
import { Words } from "~/design/Words";
import { post } from "~/live/wire/http";
import { useAnswer } from "~/live/useAnswer";
import { lazily } from "~/live/wire/code";
import { commandIn, offeredForRun, type RunAct } from "./model/offered";
import { ABOUT_RUNS, readRun, runPath, type WholeRun } from "./runs";
import { StepPanel } from "./StepPanel";
import { Timeline } from "./Timeline";
import { runWords, toneOf } from "./words";
import * as texts from "~/texts";

const route = getRouteApi("/shell/workflows/$run");
const RunGraph = lazily(() => import("./RunGraph").then((m) => ({ default: m.RunGraph })));

/** One run: its graph and timeline, live, and what each of its steps has come to. */
export function RunPage() {
  const { run } = route.useParams();
  return <Shown key={run} id={run} />;
}

function Shown({ id }: { id: string }) {
  const ask = useCallback(() => readRun(id), [id]);
  const [session, setSession] = useState<string | null>(null);
  const { answer, again } = useAnswer(ask, ABOUT_RUNS, session);
  if (!answer || "refused" in answer)
    return (
      <>
        <PageHead title={texts.workflows.run} />
        {answer ? (
          <Empty title={answer.missing ? texts.workflows.noSuchRun : texts.workflows.notRead}>
            {answer.refused}
          </Empty>
        ) : (
          <p className="px-4 py-6 text-faint">{texts.shared.loading}</p>
        )}
      </>
    );
  if (session !== answer.value.session) setSession(answer.value.session);
  return <Whole run={answer.value} again={again} />;
}

function Whole({ run, again }: { run: WholeRun; again: () => void }) {
  const { step: chosen } = route.useSearch();
  const navigate = route.useNavigate();
  const choose = useCallback(
    (step: string) => void navigate({ search: { step }, replace: true }),
    [navigate],
  );
  const step = run.steps.find((each) => each.name === chosen) ?? pressing(run);
  return (
    <>
      <PageHead title={run.name} actions={<RunActs run={run} again={again} />}>
        <Badge tone={toneOf(run.state)}>{runWords(run.state)}</Badge>
      </PageHead>
      <div className="mx-auto flex w-full max-w-6xl flex-col gap-5 px-4 py-4">
        <About run={run} />
        <section aria-label={texts.workflows.graph}>
          <div className="h-56 overflow-hidden rounded-xl border border-line bg-sunk lg:h-80">
            <Suspense fallback={<p className="p-4 text-faint">{texts.shared.loading}</p>}>
              <RunGraph steps={run.steps} chosen={step?.name} onChoose={choose} />
            </Suspense>
          </div>
        </section>
        <div className="flex flex-col gap-5 lg:grid lg:grid-cols-2 lg:items-start">
          <Timeline run={run} chosen={step?.name} onChoose={choose} />
          {step && <StepPanel key={step.name} run={run} step={step} again={again} />}
        </div>
      </div>
    </>
  );
}

/** The step to begin with: one that needs a person, else one that has failed, else one that runs, else the first. */
function pressing(run: WholeRun) {
  for (const state of ["needs_human", "failed", "running", "aided"] as const) {
    const found = run.steps.find((each) => each.state === state);
    if (found) return found;
  }
  return run.steps[0];
}

function About({ run }: { run: WholeRun }) {
  const now = useNow();
  const open = run.state === "running" || run.state === "needs_human";
  const reason = run.held ? texts.workflows.held(run.held) : run.reason;
  const command = commandIn(run.steps.find((each) => each.state === "needs_human")?.reason ?? "");
  const done = run.steps.filter((each) => each.state === "completed" || each.state === "skipped").length;
  return (
    <div className="flex flex-col gap-2">
      <p className="flex flex-wrap gap-x-4 gap-y-1 text-faint">
        <span>{texts.workflows.progress(done, run.steps.length)}</span>
        <span>{duration((open ? now : run.changed_at_ms) - run.started_at_ms)}</span>
        <span>{texts.workflows.by(run.by)}</span>
        <Link
          to="/workflows/files"
          search={{ from: run.id }}
          className="text-accent-text underline underline-offset-2"
        >
          {texts.workflows.editFile}
        </Link>
        {run.origin && (
          <Link
            to="/workflows/$run/compare/$other"
            params={{ run: run.origin, other: run.id }}
            className="text-accent-text underline underline-offset-2"
          >
            {texts.workflows.compareWith}
          </Link>
        )}
        <Link
          to="/session/$key"
          params={{ key: run.session }}
          className="text-accent-text underline underline-offset-2"
        >
          {texts.workflows.session(run.session_name)}
        </Link>
      </p>
      {reason && (
        <p className="text-soft">
          <Words text={reason} />
        </p>
      )}
      {command && (
        <div className="flex max-w-2xl flex-col gap-1">
          <p className="text-soft">{texts.workflows.typeThere}</p>
          <Command text={command} />
        </div>
      )}
    </div>
  );
}

function RunActs({ run, again }: { run: WholeRun; again: () => void }) {
  const permissions = usePermissions();
  const [busy, setBusy] = useState(false);
  const carryOut = (act: RunAct) => {
    setBusy(true);
    void post(`${runPath(run.id)}/${act}`, {}).then((refused) => {
      setBusy(false);
      if (refused) toast(texts.workflows.notDone, { description: refused, failed: true });
      again();
    });
  };
  const words = { cancel: texts.workflows.cancelRun, resume: texts.workflows.resume };
  return offeredForRun(run, permissions).map((act) => (
    <Button
      key={act}
      size="small"
      look={act === "cancel" ? "danger" : "primary"}
      disabled={busy}
      onClick={() => carryOut(act)}
    >
      {words[act]}
    </Button>
  ));
}
