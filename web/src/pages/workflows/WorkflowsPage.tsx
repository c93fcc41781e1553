import { getRouteApi, Link } from "@tanstack/react-router";
import { Select } from "~/acting/Field";
import { Badge } from "~/design/Badge";
import { Empty } from "~/design/Empty";
import { useNow } from "~/design/now";
import { PageHead } from "~/design/PageHead";
import { dayOrClock, duration } from "~/design/time";
import { readRuns, type Run, type RunState } from "./runs";
import { useAnswer } from "./useAnswer";
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
  const { state } = route.useSearch();
  const navigate = route.useNavigate();
  const { answer } = useAnswer(readRuns, null);
  const choice = (
    <Select
      aria-label={texts.workflows.show}
      className="!h-7 !w-auto text-xs"
      value={state ?? ""}
      onChange={({ target }) =>
        void navigate({ search: target.value ? { state: target.value } : {}, replace: true })
      }
    >
      <option value="">{texts.workflows.all}</option>
      {STATES.map((each) => (
        <option key={each} value={each}>
          {runWords(each)}
        </option>
      ))}
    </Select>
  );
  return (
    <>
      <PageHead title={texts.workflows.title} actions={choice} />
      <div className="mx-auto w-full max-w-4xl px-4 py-6">
        <Runs answer={answer} state={state} />
      </div>
    </>
  );
}

function Runs({
  answer,
  state,
}: {
  answer: ReturnType<typeof useAnswer<readonly Run[]>>["answer"];
  state: string | undefined;
}) {
  if (!answer) return <p className="text-faint">{texts.shared.loading}</p>;
  if ("refused" in answer) return <Empty title={texts.workflows.notRead}>{answer.refused}</Empty>;
  const shown = answer.value.filter((run) => state === undefined || run.state === state);
  if (answer.value.length === 0)
    return (
      <Empty title={texts.workflows.none} command="relaycast workflow run relay.yaml">
        {texts.workflows.noneHow}
      </Empty>
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
