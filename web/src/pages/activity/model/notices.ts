import type { EventOf, SessionEvent } from "~/live/log/events";
import { whyWords } from "~/live/reasons";
import { placeWords } from "~/live/stops";
import type { NoticeEntry } from "./entries";
import * as texts from "~/texts";

type Told = Pick<NoticeEntry, "words" | "tone">;

/** One of several people whose yes is required has said it: the request still waits, where it was asked. */
const ASSENTED = "approval.assented";

/** What an event amounts to in a line, or null for one that other entries tell. */
export function noticeOf(event: SessionEvent): NoticeEntry | null {
  const told = toldOf(event);
  if (!told) return null;
  return {
    ...told,
    type: "notice",
    key: `event ${event.offset}`,
    cursor: event.cursor,
    at: Date.parse(event.at),
    name: event.agentName,
    asked:
      event.__typename === "ApprovalEvent" && event.kind !== ASSENTED
        ? { approval: event.approvalKey, waits: event.status === "PENDING" }
        : null,
  };
}

function toldOf(event: SessionEvent): Told | null {
  switch (event.__typename) {
    case "AgentEvent":
      return agent(event);
    case "ApprovalEvent":
      return approval(event);
    case "ProxyEvent":
      return quiet(
        `${event.machine ?? texts.session.aMachine} ${event.kind === "proxy.connected" ? "connected" : texts.session.wentAway}`,
      );
    case "StopEvent":
      return stopped(event);
    case "HookEvent":
      return hook(event);
    case "OtherEvent":
      return other(event);
    default:
      return null;
  }
}

function agent(event: EventOf<"AgentEvent">): Told | null {
  const why = whyWords(event.reason, event.detail);
  const data = (event.data ?? {}) as { machine?: string; spawner?: string; by?: string };
  switch (event.kind) {
    case "agent.spawning":
      return quiet(
        texts.session.isStarted(
          data.machine ? texts.session.onMachine(data.machine) : "",
          data.spawner ? texts.session.by(data.spawner) : "",
        ),
      );
    case "agent.ready":
      return quiet(texts.session.isReady);
    case "agent.interrupted":
      return warn(texts.session.wasInterrupted);
    case "agent.deaf":
      return { words: texts.session.noReaction, tone: "bad" };
    case "agent.restarting":
      return warn(texts.session.isRestarted(why ? `: ${why}` : ""));
    case "agent.failed":
      return { words: texts.session.hasFailed(why ? `: ${why}` : ""), tone: "bad" };
    case "agent.released":
      return quiet(texts.session.wasReleased);
    default:
      return null;
  }
}

/** What a hook did stays in the log; what it did not do is said. */
function hook(event: EventOf<"HookEvent">): Told | null {
  const exit = event.exitCode === null ? "" : texts.session.exit(event.exitCode);
  const why = [event.reason, exit].filter(Boolean).join(", ");
  switch (event.runState) {
    case "refused":
      return warn(texts.session.hookRefused(event.hook, why));
    case "failed":
    case "expired":
    case "interrupted":
      return warn(texts.session.hookFailed(event.hook, event.runState, why));
    default:
      return null;
  }
}

function other(event: EventOf<"OtherEvent">): Told | null {
  const data = (event.data ?? {}) as { text?: string; machine?: string; lost?: number };
  switch (event.kind) {
    case "log.overflow":
      return warn(texts.session.outputDropped);
    case "link.reports_lost":
      return data.lost ? warn(texts.session.reportsLost(data.machine ?? "", data.lost)) : null;
    case "plan.warning":
    case "budget.warning":
    case "budget.spent":
      return data.text ? warn(data.text) : null;
    default:
      return null;
  }
}

function stopped(event: EventOf<"StopEvent">): Told | null {
  const place = placeWords({ scope: event.scope, name: event.stopName });
  const why = event.note ? `: ${event.note}` : "";
  switch (event.kind) {
    case "stop.ordered":
      return warn(texts.session.someoneStopped(event.stoppedBy, place, why));
    case "stop.lifted":
      return quiet(texts.session.someoneResumed(event.stoppedBy, place, why));
    default:
      return null;
  }
}

function approval(event: EventOf<"ApprovalEvent">): Told {
  const what = event.title ?? event.command ?? event.tool ?? texts.session.permission;
  const by = event.by ? texts.session.by(event.by) : "";
  if (event.kind === ASSENTED) return quiet(texts.session.oneSaidYes(by));
  switch (event.status) {
    case "PENDING":
      return warn(texts.session.asks(what));
    case "ALLOWED":
      return quiet(texts.session.wasAllowed(by));
    case "DENIED":
      return warn(texts.session.wasDenied(by, event.note ? `: ${event.note}` : ""));
    case "WITHDRAWN":
      return quiet(texts.session.noLongerAsks);
    case "ANSWERED":
      return quiet(texts.session.wasAnswered(by));
    case "EXPIRED":
      return warn(texts.session.expired);
  }
}

const quiet = (words: string): Told => ({ words, tone: "quiet" });
const warn = (words: string): Told => ({ words, tone: "warn" });
