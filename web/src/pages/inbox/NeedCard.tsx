import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { Badge } from "~/design/Badge";
import { Button } from "~/design/Button";
import { Seen } from "~/design/Seen";
import { seenText } from "~/design/seen";
import { Timestamp } from "~/design/Timestamp";
import type { InboxNeed } from "./documents";
import { StandsStill } from "~/answering/StandsStill";
import { KINDS } from "./words";
import * as texts from "~/texts";

interface NeedCardProps {
  need: InboxNeed;
  session: string | undefined;
  over: boolean;
  locked: boolean;
  mayDismiss: boolean;
  mayResume: boolean;
  onDismiss: () => void;
  onResume: () => void;
}

const LINK = "text-accent-text hover:underline";

/** Something that needs a person and is no question: what happened, since when, and what can be done. */
export function NeedCard({ need, session, over, locked, ...props }: NeedCardProps) {
  return (
    <article
      aria-label={seenText(need.title)}
      data-over={over || undefined}
      className="flex flex-col gap-2 rounded-xl border border-line bg-surface p-4 data-over:bg-sunk"
    >
      <header className="flex flex-wrap items-baseline gap-x-2 gap-y-1">
        <Badge tone={over ? "neutral" : need.blocks ? "bad" : "warn"}>{KINDS[need.kind]}</Badge>
        <h2 className="min-w-0 text-base break-words">
          <Seen text={need.title} />
        </h2>
        {need.since !== null && (
          <span className="ml-auto">
            <Timestamp at={Date.parse(need.since)} />
          </span>
        )}
      </header>
      {need.detail !== "" && (
        <p className="break-words whitespace-pre-wrap text-soft">
          <Seen text={need.detail} />
        </p>
      )}
      <StandsStill words={over ? texts.inbox.over : null}>
        <div className="flex flex-wrap items-center gap-2">
          {need.resumable && props.mayResume && (
            <Button disabled={locked} onClick={props.onResume}>
              {texts.acting.resume}
            </Button>
          )}
          {need.dismissable && props.mayDismiss && (
            <Button look="quiet" disabled={locked} onClick={props.onDismiss}>
              {texts.inbox.dismiss}
            </Button>
          )}
          <Where need={need} session={session} />
        </div>
      </StandsStill>
    </article>
  );
}

/** Where the thing itself is seen. */
function Where({ need, session }: { need: InboxNeed; session: string | undefined }): ReactNode {
  if (need.kind === "RUN")
    return (
      <Link to="/workflows/$run" params={{ run: need.subjectKey }} className={LINK}>
        {texts.inbox.openRun}
      </Link>
    );
  if (need.kind === "BUDGET" || need.kind === "PLAN")
    return (
      <Link to="/usage" className={LINK}>
        {texts.inbox.openUsage}
      </Link>
    );
  if (need.kind === "MACHINE_AWAY")
    return (
      <Link to="/" className={LINK}>
        {texts.inbox.openMachines}
      </Link>
    );
  if (need.sessionKey === null || session === undefined) return null;
  return (
    <Link
      to="/session/$key"
      params={{ key: need.sessionKey }}
      search={need.name === "" ? {} : { agent: need.name }}
      className={LINK}
    >
      {texts.inbox.openSession(session)}
    </Link>
  );
}
