import { getRouteApi, Link } from "@tanstack/react-router";
import { Badge } from "~/design/Badge";
import { Chip } from "~/design/Chip";
import { Empty } from "~/design/Empty";
import { useNow } from "~/design/now";
import { Output } from "~/design/Output";
import { dayOrClock, duration, whole } from "~/design/time";
import { useWorkspace } from "~/live/LiveContext";
import { useReadable } from "~/live/useReadable";
import { Consent } from "./Consent";
import type { Run } from "./hooks";
import { commandLine } from "./model/lines";
import { lacksConsent } from "./model/standing";
import { runWords, toneOf } from "./words";
import * as texts from "~/texts";

const route = getRouteApi("/shell/hooks");

/** The latest runs of hooks, or of one. */
export function Runs({ runs, hook }: { runs: readonly Run[]; hook: string | undefined }) {
  const navigate = route.useNavigate();
  const shown = hook === undefined ? runs : runs.filter((run) => run.hook === hook);
  return (
    <>
      {hook !== undefined && (
        <p>
          <Chip
            label={texts.hooks.onlyHook(hook)}
            onRemove={() => void navigate({ search: { tab: "history" }, replace: true })}
          >
            {texts.hooks.onlyHook(hook)}
          </Chip>
        </p>
      )}
      {shown.length === 0 ? (
        <Empty title={texts.hooks.noRuns}>{texts.hooks.noRunsHow}</Empty>
      ) : (
        <ul aria-label={texts.hooks.history} className="overflow-hidden rounded-xl border border-line">
          {shown.map((run) => (
            <li key={run.id} className="border-b border-line last:border-0">
              <RunRow run={run} />
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

/** One run; opened, all that is known of it. */
export function RunRow({ run }: { run: Run }) {
  const now = useNow();
  const { reason, event, test_by: tester } = run.data;
  return (
    <details className="group">
      <summary className="flex cursor-pointer flex-wrap items-center gap-x-3 gap-y-1 px-4 py-2.5 outline-offset-[-2px] transition-colors hover:bg-hover pointer-coarse:min-h-11">
        <Badge tone={toneOf(run.state)}>{runWords(run.state)}</Badge>
        <span className="font-medium break-all">{run.hook}</span>
        <span className="text-soft">{run.name}</span>
        {event && <span className="text-xs text-faint">{event}</span>}
        {tester && <span className="text-xs text-faint">{texts.hooks.testBy(tester)}</span>}
        <time
          dateTime={new Date(run.at_ms).toISOString()}
          title={whole(run.at_ms)}
          className="ml-auto text-xs text-faint tabular-nums"
        >
          {dayOrClock(run.at_ms, now)}
        </time>
        {reason && <span className="w-full text-xs break-words text-soft">{reason}</span>}
      </summary>
      <RunDetails run={run} />
    </details>
  );
}

function RunDetails({ run }: { run: Run }) {
  const { argv = [], exit_code: code, output, duration_ms: lasted } = run.data;
  return (
    <div className="flex flex-col gap-3 border-t border-line bg-sunk px-4 py-3">
      <p className="flex flex-wrap gap-x-4 gap-y-1 text-xs text-faint">
        <SessionLink run={run} />
        {code != null && <span>{texts.hooks.exitCode(code)}</span>}
        {lasted ? <span>{duration(lasted)}</span> : null}
        <span className="break-all">{texts.hooks.runIs(run.id)}</span>
      </p>
      {argv.length > 0 && <Output label={texts.hooks.argv} text={commandLine(argv)} />}
      {output && <Output label={texts.hooks.output} text={output} />}
      {lacksConsent(run.state) && <Consent />}
    </div>
  );
}

function SessionLink({ run }: { run: Run }) {
  const overview = useReadable(useWorkspace().overview);
  const sessions = overview.state === "ready" ? overview.value.workspace.sessions.nodes : [];
  const name = sessions.find(({ key }) => key === run.session)?.name ?? run.session;
  return (
    <Link
      to="/session/$key"
      params={{ key: run.session }}
      search={{ agent: run.name }}
      className="text-accent-text underline underline-offset-2"
    >
      {texts.hooks.inSession(run.name, name)}
    </Link>
  );
}
