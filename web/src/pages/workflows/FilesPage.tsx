import { getRouteApi, Link } from "@tanstack/react-router";
import { useCallback } from "react";
import { usePermissions } from "~/acting/usePermissions";
import { Badge } from "~/design/Badge";
import { Empty } from "~/design/Empty";
import { PageHead } from "~/design/PageHead";
import { useAnswer } from "~/live/useAnswer";
import { FileEditor } from "./FileEditor";
import { readFile } from "./files";
import { definitionsOf } from "./model/definitions";
import { ABOUT_RUNS, readRuns } from "./runs";
import { runWords, toneOf } from "./words";
import * as texts from "~/texts";

const route = getRouteApi("/shell/workflows/files");

/** The files that were run, and a text that is checked, planned and run. */
export function FilesPage() {
  const { from } = route.useSearch();
  const starts = usePermissions().has("SPAWN");
  return (
    <>
      <PageHead title={texts.workflows.files} />
      <div className="mx-auto flex w-full max-w-6xl flex-col gap-5 px-4 py-5">
        <Definitions chosen={from} />
        {starts && (from ? <Opened key={from} from={from} /> : <FileEditor before="" from={undefined} />)}
      </div>
    </>
  );
}

function Definitions({ chosen }: { chosen: string | undefined }) {
  const { answer } = useAnswer(readRuns, ABOUT_RUNS);
  if (!answer) return <p className="text-faint">{texts.shared.loading}</p>;
  if ("refused" in answer) return <Empty title={texts.workflows.notRead}>{answer.refused}</Empty>;
  const found = definitionsOf(answer.value);
  if (found.length === 0)
    return (
      <p className="text-faint">
        {texts.workflows.noFiles} {texts.workflows.noFilesWhat}
      </p>
    );
  return (
    <ul aria-label={texts.workflows.files} className="overflow-hidden rounded-xl border border-line">
      {found.map(({ name, latest, runs, versions }) => (
        <li
          key={name}
          className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b border-line px-4 py-3 last:border-0"
        >
          <Link
            to="/workflows/files"
            search={{ from: latest.id }}
            aria-current={chosen === latest.id}
            className="min-w-0 flex-1 truncate font-medium underline-offset-2 hover:underline"
          >
            {name}
          </Link>
          <span className="text-xs text-faint">{texts.workflows.runsOf(runs, versions)}</span>
          <Badge tone={toneOf(latest.state)}>{runWords(latest.state)}</Badge>
          <Link
            to="/workflows/$run"
            params={{ run: latest.id }}
            className="text-xs text-accent-text underline underline-offset-2"
          >
            {texts.workflows.latestRun(name)}
          </Link>
        </li>
      ))}
    </ul>
  );
}

function Opened({ from }: { from: string }) {
  const ask = useCallback(() => readFile(from), [from]);
  const { answer } = useAnswer(ask, NEVER);
  if (!answer) return <p className="text-faint">{texts.shared.loading}</p>;
  if ("refused" in answer) return <Empty title={texts.workflows.noSuchRun}>{answer.refused}</Empty>;
  return <FileEditor before={answer.value} from={from} />;
}

/** What a run is pinned to stays as it is. */
const NEVER = /^$/;
