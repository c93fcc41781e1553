import type { EventOf, SessionEvent } from "~/live/events";
import { placeWords } from "~/live/stops";
import type { NoticeEntry } from "./entries";

type Told = Pick<NoticeEntry, "words" | "tone">;

/** What an event amounts to in a line, or null for one that other entries tell. */
export function noticeOf(event: SessionEvent): NoticeEntry | null {
  const told = toldOf(event);
  if (!told) return null;
  return {
    ...told,
    type: "notice",
    key: `event ${event.offset}`,
    at: Date.parse(event.at),
    name: event.agentName,
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
        `${event.machine ?? "A machine"} ${event.kind === "proxy.connected" ? "connected" : "went away"}`,
      );
    case "StopEvent":
      return stopped(event);
    default:
      return event.kind === "log.overflow" ? warn("some of its output was too fast to keep") : null;
  }
}

function agent(event: EventOf<"AgentEvent">): Told | null {
  const why = [event.reason, event.detail].filter(Boolean).join(": ");
  const data = (event.data ?? {}) as { machine?: string; spawner?: string; by?: string };
  switch (event.kind) {
    case "agent.spawning":
      return quiet(
        `is started${data.machine ? ` on ${data.machine}` : ""}${data.spawner ? ` by ${data.spawner}` : ""}`,
      );
    case "agent.ready":
      return quiet("is ready");
    case "agent.interrupted":
      return warn("was interrupted");
    case "agent.deaf":
      return { words: "does not react", tone: "bad" };
    case "agent.restarting":
      return warn(`is restarted${why ? `: ${why}` : ""}`);
    case "agent.failed":
      return { words: `failed${why ? `: ${why}` : ""}`, tone: "bad" };
    case "agent.released":
      return quiet("was released");
    default:
      return null;
  }
}

function stopped(event: EventOf<"StopEvent">): Told | null {
  const place = placeWords({ scope: event.scope, name: event.stopName });
  const why = event.note ? `: ${event.note}` : "";
  switch (event.kind) {
    case "stop.ordered":
      return warn(`${event.stoppedBy} stopped ${place}${why}`);
    case "stop.lifted":
      return quiet(`${event.stoppedBy} resumed ${place}${why}`);
    default:
      return null;
  }
}

function approval(event: EventOf<"ApprovalEvent">): Told {
  const what = event.title ?? event.command ?? event.tool ?? "permission";
  const by = event.by ? ` by ${event.by}` : "";
  switch (event.status) {
    case "PENDING":
      return warn(`asks: ${what}`);
    case "ALLOWED":
      return quiet(`was allowed${by}`);
    case "DENIED":
      return warn(`was denied${by}${event.note ? `: ${event.note}` : ""}`);
    case "WITHDRAWN":
      return quiet("no longer asks");
    case "ANSWERED":
      return quiet(`was answered${by}`);
    case "EXPIRED":
      return warn("got no answer in time and was denied");
  }
}

const quiet = (words: string): Told => ({ words, tone: "quiet" });
const warn = (words: string): Told => ({ words, tone: "warn" });
