import { Link } from "@tanstack/react-router";
import { memo, Suspense } from "react";
import { useAgentActions } from "~/acting/useAgentActions";
import { usePermissions } from "~/acting/usePermissions";
import { AnswerButton } from "~/answering/AnswerButton";
import { Button } from "~/design/Button";
import { classes } from "~/design/classes";
import { useNow } from "~/design/now";
import { compact, money } from "~/design/number";
import { Seen } from "~/design/Seen";
import { StateDot } from "~/design/StateDot";
import { duration, whole } from "~/design/time";
import { isWrong } from "~/live/agentState";
import type { Agent } from "~/live/documents";
import { lazily } from "~/live/wire/code";
import type { FleetRow } from "./model/fleet";
import { withoutMarks } from "./model/marks";
import * as texts from "~/texts";

const AgentMenu = lazily(() => import("~/acting/AgentMenu").then((m) => ({ default: m.AgentMenu })));

interface FleetLineProps {
  row: FleetRow;
  wide: boolean;
}

/** An agent in two lines: how it stands and since when, what it does, where it runs, what it has spent. */
export const FleetLine = memo(function FleetLine({ row, wide }: FleetLineProps) {
  const { shown } = row.standing;
  return (
    <div
      className={classes(
        "grid h-full items-center gap-x-4 border-b border-line px-4",
        wide
          ? "grid-cols-[11rem_minmax(6rem,12rem)_minmax(0,1fr)_minmax(0,13rem)_11.5rem]"
          : "grid-cols-[minmax(0,1fr)_auto] content-center gap-y-0.5",
        isWrong(shown)
          ? "border-l-2 border-l-bad bg-bad-soft/40"
          : shown === "waiting"
            ? "border-l-2 border-l-warn"
            : "border-l-2 border-l-transparent hover:bg-hover",
      )}
    >
      {wide ? (
        <>
          <Standing row={row} />
          <Name row={row} />
          <Doing row={row} />
          <Where agent={row.agent} />
          <div className="flex items-center justify-end gap-3">
            {!isWrong(shown) && <Spent agent={row.agent} />}
            <Actions row={row} />
          </div>
        </>
      ) : (
        <>
          <Name row={row} />
          <Actions row={row} />
          <div className="col-span-2 min-w-0">
            <Standing row={row} />
            <Doing row={row} />
          </div>
        </>
      )}
    </div>
  );
}, isSame);

/** Rows are made anew as agents change: one of an agent that did not is drawn as it was. */
function isSame(one: FleetLineProps, other: FleetLineProps): boolean {
  return (
    one.wide === other.wide &&
    one.row.agent === other.row.agent &&
    one.row.session === other.row.session &&
    one.row.asks === other.row.asks &&
    one.row.standing.shown === other.row.standing.shown &&
    one.row.standing.since === other.row.standing.since
  );
}

function Standing({ row: { standing } }: { row: FleetRow }) {
  const { shown, words, since } = standing;
  return (
    <div role="cell" className="flex min-w-0 items-center gap-2">
      <StateDot state={shown} />
      <span className="min-w-0">
        <span className={classes("block truncate font-medium", isWrong(shown) && "text-bad")} title={words}>
          {words}
        </span>
        <Since at={since} />
      </span>
    </div>
  );
}

function Since({ at }: { at: number }) {
  const now = useNow();
  return (
    <time
      dateTime={new Date(at).toISOString()}
      title={whole(at)}
      className="block text-2xs text-faint tabular-nums"
    >
      {texts.home.forSoLong(duration(Math.max(1000, now - at)))}
    </time>
  );
}

function Name({ row: { agent, session } }: { row: FleetRow }) {
  return (
    <div role="cell" className="min-w-0">
      <Link
        data-name
        to="/session/$key"
        params={{ key: agent.sessionKey }}
        search={{ agent: agent.name }}
        className="block truncate font-medium hover:underline"
      >
        {agent.name}
      </Link>
      <span className="block truncate text-2xs text-faint">{[session, agent.cli].join(" · ")}</span>
    </div>
  );
}

function Doing({ row }: { row: FleetRow }) {
  const { now, said } = doingOf(row);
  const why = row.standing.shown === "failed" && now !== "";
  return (
    <div role="cell" className="min-w-0">
      <span
        className={classes("text-xs text-soft", why ? "line-clamp-2 break-words" : "block truncate")}
        title={now}
      >
        <span className={row.asks && row.standing.shown === "waiting" ? "text-warn" : undefined}>
          <Seen text={now} />
        </span>
      </span>
      {/* Why an agent failed takes both lines where it needs them. */}
      {!why && (
        <span className="block truncate text-2xs text-faint" title={said}>
          {said}
        </span>
      )}
    </div>
  );
}

/** What an agent does or waits for, and under it what it was told or said last. */
function doingOf({ agent, standing, asks }: FleetRow): { now: string; said: string } {
  const said = withoutMarks(agent.said ?? "");
  if (standing.shown === "waiting" && asks)
    return { now: texts.home.asks(asks.title), said: agent.task ?? said };
  if (standing.shown === "failed") return { now: agent.detail ?? "", said: agent.task ?? said };
  if (agent.doing) return { now: agent.doing, said: agent.task ?? said };
  return {
    now: agent.state === "WORKING" ? (agent.task ?? "") : said,
    said: agent.state === "WORKING" ? said : "",
  };
}

function Where({ agent }: { agent: Agent }) {
  return (
    <div role="cell" className="min-w-0">
      <Link
        to="/machine/$key"
        params={{ key: agent.proxyKey }}
        className="block truncate text-xs text-soft hover:underline"
      >
        {agent.machine}
      </Link>
      <span className="block truncate text-2xs text-faint" title={agent.cwd ?? undefined}>
        {[agent.cwd, agent.branch].filter(Boolean).join(" · ")}
      </span>
    </div>
  );
}

function Spent({ agent: { tokens, costUsd } }: { agent: Agent }) {
  return (
    <div role="cell" className="text-right text-xs text-soft tabular-nums">
      <span className="block truncate">
        {tokens === null ? texts.home.notReported : texts.home.tokens(compact(tokens))}
      </span>
      {costUsd !== null && <span className="block text-2xs text-faint">{money(costUsd)}</span>}
    </div>
  );
}

/** What is wrong has its ways out beside it; for all others they are in a menu. */
function Actions({ row: { agent, standing, asks } }: { row: FleetRow }) {
  const actions = useAgentActions(usePermissions())(agent);
  const direct = actions.filter((one) => one.id === "resume" || one.id === "dismiss");
  return (
    <div role="cell" className="flex items-center justify-end gap-1">
      {asks && standing.shown === "waiting" && <AnswerButton waiting={asks} />}
      {standing.shown === "failed" ? (
        direct.map((action) => (
          <Button
            key={action.id}
            size="small"
            look={action.id === "resume" ? "plain" : "quiet"}
            aria-label={`${action.title} ${agent.name}`}
            onClick={() => void action.run()}
          >
            {action.title}
          </Button>
        ))
      ) : (
        <Suspense fallback={<span className="size-7" />}>
          <AgentMenu agent={agent} />
        </Suspense>
      )}
      {isWrong(standing.shown) && (
        <Link
          to="/session/$key"
          params={{ key: agent.sessionKey }}
          search={{ agent: agent.name }}
          aria-label={`${texts.acting.open} ${agent.name}`}
          className="inline-flex h-7 items-center rounded-md px-2 text-xs font-medium text-soft hover:bg-hover hover:text-text pointer-coarse:min-h-10"
        >
          {texts.acting.open}
        </Link>
      )}
    </div>
  );
}
