import { getRouteApi, Link } from "@tanstack/react-router";
import { useCallback } from "react";
import { Badge } from "~/design/Badge";
import { Empty } from "~/design/Empty";
import { PageHead } from "~/design/PageHead";
import { Table, type Column } from "~/design/Table";
import { duration } from "~/design/time";
import { Words } from "~/design/Words";
import { useAnswer } from "~/live/useAnswer";
import { Difference } from "./FileEditor";
import { compare, type ComparedStep, type Comparison } from "./files";
import { ABOUT_RUNS, type Run, type Step } from "./runs";
import { runWords, stepWords, toneOf } from "./words";
import * as texts from "~/texts";

const route = getRouteApi("/shell/workflows/$run/compare/$other");

/** Two runs side by side: their steps, what these took and said, and how their files differ. */
export function ComparePage() {
  const { run, other } = route.useParams();
  const ask = useCallback(() => compare(run, other), [run, other]);
  const { answer } = useAnswer(ask, ABOUT_RUNS);
  return (
    <>
      <PageHead title={texts.workflows.compare} />
      <div className="mx-auto flex w-full max-w-5xl flex-col gap-5 px-4 py-5">
        {!answer ? (
          <p className="text-faint">{texts.shared.loading}</p>
        ) : "refused" in answer ? (
          <Empty title={texts.workflows.noSuchRun}>{answer.refused}</Empty>
        ) : (
          <Compared found={answer.value} />
        )}
      </div>
    </>
  );
}

function Compared({ found }: { found: Comparison }) {
  const columns: readonly Column<ComparedStep>[] = [
    { title: texts.workflows.step, cell: ({ name }) => name },
    { title: texts.workflows.first, cell: ({ left }) => <Side step={left} /> },
    { title: texts.workflows.second, cell: ({ right }) => <Side step={right} /> },
    {
      title: texts.workflows.output,
      cell: ({ same_output: same }) => (same ? texts.workflows.same : texts.workflows.other),
    },
  ];
  return (
    <>
      <div className="grid gap-3 sm:grid-cols-2">
        <RunCard title={texts.workflows.first} run={found.left} />
        <RunCard title={texts.workflows.second} run={found.right} />
      </div>
      <Table
        caption={texts.workflows.compared}
        columns={columns}
        rows={found.steps}
        rowKey={({ name }) => name}
      />
      <h2 className="text-base font-semibold">{texts.workflows.difference}</h2>
      {found.difference ? (
        <Difference text={found.difference} />
      ) : (
        <p className="text-faint">{texts.workflows.sameFile}</p>
      )}
    </>
  );
}

function RunCard({ title, run }: { title: string; run: Run }) {
  return (
    <section aria-label={title} className="flex flex-col gap-1 rounded-xl border border-line p-4">
      <div className="flex flex-wrap items-center gap-2">
        <Link
          to="/workflows/$run"
          params={{ run: run.id }}
          className="text-accent-text underline underline-offset-2"
        >
          {texts.workflows.runIs(title, run.id.slice(0, 8))}
        </Link>
        <Badge tone={toneOf(run.state)}>{runWords(run.state)}</Badge>
      </div>
      <span className="text-xs text-faint">{duration(run.changed_at_ms - run.started_at_ms)}</span>
      {run.reason && (
        <p className="text-soft">
          <Words text={run.reason} />
        </p>
      )}
    </section>
  );
}

function Side({ step }: { step: Step | null }) {
  if (!step) return <span className="text-faint">{texts.workflows.notThere}</span>;
  return (
    <span className="flex flex-wrap items-center gap-2">
      <Badge tone={toneOf(step.state)}>{stepWords(step.state)}</Badge>
      <span className="text-xs text-faint">
        {texts.workflows.took(step.attempts.length, duration(lasted(step)))}
        {step.tokens > 0 && ` · ${texts.workflows.tokens(step.tokens)}`}
      </span>
    </span>
  );
}

const lasted = ({ attempts }: Step): number =>
  attempts.reduce((sum, { started_at_ms: from, ended_at_ms: to }) => sum + (to === null ? 0 : to - from), 0);
