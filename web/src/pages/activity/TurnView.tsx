import { AgentName } from "~/design/AgentName";
import { Badge, type Tone } from "~/design/Badge";
import { Icon } from "~/design/Icon";
import { Markdown } from "~/design/Markdown";
import { useNow } from "~/design/now";
import { StateDot } from "~/design/StateDot";
import { duration } from "~/design/time";
import { EntryFrame } from "./EntryFrame";
import type { Part, TurnEntry } from "./model/entries";
import { ToolCard } from "./ToolCard";
import * as texts from "~/texts";

const OUTCOMES: Record<string, Tone> = { failed: "bad", interrupted: "warn" };

/** What an agent did in one turn. */
export function TurnView({ turn }: { turn: TurnEntry }) {
  const tone = turn.outcome && OUTCOMES[turn.outcome];
  return (
    <EntryFrame
      id={turn.key}
      at={turn.at}
      who={{ agent: turn.name }}
      head={
        <h3 className="flex flex-wrap items-center gap-x-2 text-sm">
          <AgentName name={turn.name} />
          {turn.turn !== null && <Spent turn={turn} />}
          {tone && <Badge tone={tone}>{turn.outcome}</Badge>}
        </h3>
      }
    >
      {turn.parts.map((part, place) => (
        // Parts are only added at the end.
        <PartView key={part.type === "tool" ? part.callId : place} part={part} />
      ))}
      {turn.reason && turn.outcome !== "completed" && <p className="text-xs text-bad">{turn.reason}</p>}
    </EntryFrame>
  );
}

function Spent({ turn }: { turn: TurnEntry }) {
  return (
    <span className="flex items-center gap-1.5 text-2xs font-normal text-faint tabular-nums">
      {turn.endedAt === null ? (
        <>
          <StateDot state="working" label={texts.session.working} />
          <Running since={turn.at} />
        </>
      ) : (
        duration(turn.endedAt - turn.at)
      )}
    </span>
  );
}

function Running({ since }: { since: number }) {
  return duration(Math.max(0, useNow() - since));
}

function PartView({ part }: { part: Part }) {
  switch (part.type) {
    case "text":
      return <Markdown text={part.text} />;
    case "thought":
      return <Thought text={part.text} />;
    case "problem":
      return (
        <p className="flex items-start gap-1.5 rounded-md bg-bad-soft px-2 py-1 text-xs text-bad">
          <Icon name="warning" width="13" height="13" className="mt-0.5 shrink-0" />
          <span className="min-w-0 break-words">
            {part.detail}
            {part.willRetry && texts.session.retries}
          </span>
        </p>
      );
    case "tool":
      return <ToolCard tool={part} />;
  }
}

function Thought({ text }: { text: string }) {
  return (
    <details className="text-xs text-faint">
      <summary className="w-fit rounded select-none hover:text-text">{texts.session.thought}</summary>
      <div className="mt-1 border-l-2 border-line pl-3">
        <Markdown text={text} />
      </div>
    </details>
  );
}
