import { getRouteApi, Link } from "@tanstack/react-router";
import { NothingYet } from "~/acting/NothingYet";
import { Select } from "~/acting/Field";
import { Badge } from "~/design/Badge";
import { Empty } from "~/design/Empty";
import { useNow } from "~/design/now";
import { PageHead } from "~/design/PageHead";
import { dayOrClock, duration } from "~/design/time";
import type { Answer } from "~/live/wire/ask";
import { useAnswer } from "~/live/useAnswer";
import { choicesOf, isWanted, readWanted, type Wanted } from "./model/history";
import { ABOUT_RUNS, readRuns, type Run, type RunState } from "./runs";
import { runWords, toneOf } from "./words";
import * as texts from "~/texts";

const route = getRouteApi("/shell/workflows");
const STATES: readonly RunState[] = [
  "running",
  "needs_human",
  "completed",
  "completed_early",
  "failed",
  "cancelled",
];

/** The latest runs of workflows. */
export function WorkflowsPage() {
  const wanted = route.useSearch();
  const navigate = route.useNavigate();
  const { answer } = useAnswer(readRuns, ABOUT_RUNS);
  const runs = answer && "value" in answer ? answer.value : [];
  const choose = (given: Wanted): void => {
    void navigate({ search: readWanted({ ...wanted, ...given }), replace: true });
  };
  return (
    <>
      <PageHead
        title={texts.workflows.title}
        actions={
          <>
            <Link to="/workflows/files" className="text-sm text-accent-text underline underline-offset-2">
              {texts.workflows.files}
            </Link>
            <Choice
              label={texts.workflows.show}
              all={texts.workflows.all}
              among={STATES.map((each) => [each, runWords(each)])}
              chosen={wanted.state}
              onChoose={(state) => choose({ state })}
            />
            <Choice
              label={texts.workflows.ofFile}
              all={texts.workflows.allFiles}
              among={choicesOf(
                runs.map(({ name }) => name),
                wanted.file,
              ).map((each) => [each, each])}
              chosen={wanted.file}
              onChoose={(file) => choose({ file })}
            />
            <Choice
              label={texts.workflows.startedByWhom}
              all={texts.workflows.anybody}
              among={choicesOf(
                runs.map(({ by }) => by),
                wanted.by,
              ).map((each) => [each, each])}
              chosen={wanted.by}
              onChoose={(by) => choose({ by })}
            />
          </>
        }
      />
      <div className="mx-auto w-full max-w-4xl px-4 py-6">
        <Runs answer={answer} wanted={wanted} />
      </div>
    </>
  );
}

function Choice({
  label,
  all,
  among,
  chosen,
  onChoose,
}: {
  label: string;
  all: string;
  among: readonly (readonly [value: string, words: string])[];
  chosen: string | undefined;
  onChoose: (value: string) => void;
}) {
  return (
    <Select
      aria-label={label}
      className="!h-7 !w-auto max-w-40 text-xs"
      value={chosen ?? ""}
      onChange={({ target }) => onChoose(target.value)}
    >
      <option value="">{all}</option>
      {among.map(([value, words]) => (
        <option key={value} value={value}>
          {words}
        </option>
      ))}
    </Select>
  );
}

function Runs({ answer, wanted }: { answer: Answer<readonly Run[]> | undefined; wanted: Wanted }) {
  if (!answer) return <p className="text-faint">{texts.shared.loading}</p>;
  if ("refused" in answer) return <Empty title={texts.workflows.notRead}>{answer.refused}</Empty>;
  const shown = answer.value.filter((run) => isWanted(run, wanted));
  if (answer.value.length === 0)
    return (
      <NothingYet
        title={texts.workflows.none}
        how={texts.workflows.noneHow}
        command="relaycast workflow run relay.yaml"
      >
        {texts.workflows.noneWhat}
      </NothingYet>
    );
  if (shown.length === 0) return <Empty title={texts.workflows.noneSo} />;
  return (
    <ul className="overflow-hidden rounded-xl border border-line">
      {shown.map((run) => (
        <RunRow key={run.id} run={run} />
      ))}
    </ul>
  );
}

function RunRow({ run }: { run: Run }) {
  const now = useNow();
  const open = run.state === "running" || run.state === "needs_human";
  const reason = run.held ?? run.reason;
  return (
    <li className="border-b border-line last:border-0">
      <Link
        to="/workflows/$run"
        params={{ run: run.id }}
        className="flex flex-wrap items-center gap-x-3 gap-y-1 px-4 py-3 outline-offset-[-2px] transition-colors hover:bg-hover"
      >
        <span className="min-w-0 flex-1 truncate font-medium">
          {run.name}
          {run.workflow !== run.name && <span className="font-normal text-faint"> · {run.workflow}</span>}
        </span>
        <Badge tone={toneOf(run.state)}>{runWords(run.state)}</Badge>
        <span className="flex w-full flex-wrap gap-x-3 text-xs text-faint">
          <span>{texts.workflows.startedBy(run.by, dayOrClock(run.started_at_ms, now))}</span>
          <span>{duration((open ? now : run.changed_at_ms) - run.started_at_ms)}</span>
          {reason && <span className="min-w-0 truncate">{reason}</span>}
        </span>
      </Link>
    </li>
  );
}
