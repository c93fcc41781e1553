import { useState } from "react";
import { AgentName } from "~/design/AgentName";
import { Badge, type Tone } from "~/design/Badge";
import { classes } from "~/design/classes";
import { Icon } from "~/design/Icon";
import { Markdown } from "~/design/Markdown";
import { useNow } from "~/design/now";
import { Seen } from "~/design/Seen";
import { StateDot } from "~/design/StateDot";
import { duration } from "~/design/time";
import { Words } from "~/design/Words";
import { useWorkspace } from "~/live/LiveContext";
import { reasonWords } from "~/live/reasons";
import { useReadable } from "~/live/useReadable";
import { EntryFrame } from "./EntryFrame";
import type { MessageEntry, Part, PlanStep, TurnEntry } from "./model/entries";
import { ToolCard } from "./ToolCard";
import { useAwayAgents } from "./useAwayAgents";
import * as texts from "~/texts";

const MOST_OF_QUESTION = 300;
const OUTCOMES: Record<string, Tone> = { failed: "bad", interrupted: "warn" };

interface TurnViewProps {
  turn: TurnEntry;
  marked: boolean;
  /** The message it answers, where something else was said in between. */
  question: MessageEntry | undefined;
  onGo: (cursor: string) => void;
}

/** What an agent did in one turn. */
export function TurnView({ turn, marked, question, onGo }: TurnViewProps) {
  const tone = turn.outcome && OUTCOMES[turn.outcome];
  return (
    <EntryFrame
      id={turn.key}
      cursor={turn.cursor}
      marked={marked}
      at={turn.at}
      who={{ agent: turn.name }}
      head={
        <h3 className="flex flex-wrap items-center gap-x-2 text-sm">
          <AgentName name={turn.name} />
          {turn.turn !== null && <Spent turn={turn} />}
          {tone && <Badge tone={tone}>{turn.outcome}</Badge>}
        </h3>
      }
      copied={() => saidIn(turn)}
    >
      {question && <Question message={question} onGo={onGo} />}
      {turn.parts.map((part, place) => (
        // Parts are only added at the end.
        <PartView key={part.type === "tool" ? part.callId : place} part={part} />
      ))}
      {turn.reason && turn.outcome !== "completed" && (
        <p className="text-xs text-bad">
          <Words text={reasonWords(turn.reason)} />
        </p>
      )}
    </EntryFrame>
  );
}

/** What an answer answers, as the way to it. */
function Question({ message, onGo }: { message: MessageEntry; onGo: (cursor: string) => void }) {
  return (
    <button
      type="button"
      onClick={() => onGo(message.cursor)}
      className="flex max-w-full items-center gap-1.5 self-start rounded border-l-2 border-line-strong px-1.5 text-left text-xs text-faint hover:text-text pointer-coarse:min-h-10"
    >
      <span className="sr-only">{texts.session.answerTo}</span>
      <span className="shrink-0 font-medium">{message.from.name}</span>
      <span className="min-w-0 truncate">
        <Seen text={message.text.slice(0, MOST_OF_QUESTION)} />
      </span>
    </button>
  );
}

/** An agent's words, without what its tools did. */
const saidIn = (turn: TurnEntry): string =>
  turn.parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n\n");

function Spent({ turn }: { turn: TurnEntry }) {
  return (
    <span className="flex items-center gap-1.5 text-2xs font-normal text-faint tabular-nums">
      {turn.endedAt !== null ? (
        !turn.torn && duration(turn.endedAt - turn.at)
      ) : turn.cutAt !== null ? (
        texts.session.goesOn
      ) : (
        <Unended turn={turn} />
      )}
    </span>
  );
}

/** A turn that goes on; nobody can tell while its machine is away, so that no clock counts then. */
function Unended({ turn }: { turn: TurnEntry }) {
  const asked = useReadable(useWorkspace().waiting);
  const away = useAwayAgents();
  if (away.has(turn.agent))
    return (
      <>
        <StateDot state="lost" />
        {texts.live.lost}
      </>
    );
  const waits = asked.state === "ready" && asked.value.some((one) => one.agentKey === turn.agent);
  return (
    <>
      {waits ? (
        <StateDot state="waiting" label={texts.live.waiting} />
      ) : (
        <StateDot state="working" label={texts.session.working} />
      )}
      <Running since={turn.at} />
    </>
  );
}

function Running({ since }: { since: number }) {
  return duration(Math.max(0, useNow() - since));
}

function PartView({ part }: { part: Part }) {
  switch (part.type) {
    case "text":
      return <Markdown text={part.text} streaming={part.streaming} />;
    case "thought":
      return <Thought text={part.text} streaming={part.streaming} />;
    case "plan":
      return <Plan steps={part.steps} />;
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

/** Reasoning, folded; while it goes on, that it does. */
function Thought({ text, streaming }: { text: string; streaming: boolean }) {
  const [open, setOpen] = useState(false);
  return (
    <details
      open={open}
      onToggle={(event) => setOpen(event.currentTarget.open)}
      className="text-xs text-faint"
    >
      <summary className="w-fit rounded select-none hover:text-text">
        {streaming ? texts.session.thinks : texts.session.thought}
      </summary>
      {open && (
        <div className="mt-1 border-l-2 border-line pl-3">
          <Markdown text={text} streaming={streaming} />
        </div>
      )}
    </details>
  );
}

const STEPS: Record<string, { sign: string; says: string; look: string }> = {
  completed: { sign: "✓", says: texts.session.stepDone, look: "text-good" },
  in_progress: { sign: "▸", says: texts.session.stepBegun, look: "text-accent-text" },
};
const TO_DO = { sign: "○", says: texts.session.stepToDo, look: "text-faint" };

/** What the agent means to do, and how far it got. */
function Plan({ steps }: { steps: readonly PlanStep[] }) {
  const done = steps.filter(({ state }) => state === "completed").length;
  return (
    <section
      aria-label={texts.session.plan}
      className="rounded-lg border border-line bg-surface px-2.5 py-1.5 text-xs"
    >
      <h4 className="flex text-2xs font-medium text-faint">
        {texts.session.plan}
        <span className="ml-auto tabular-nums">{texts.session.stepsDone(done, steps.length)}</span>
      </h4>
      <ul className="flex flex-col">
        {steps.map((step, place) => {
          const { sign, says, look } = STEPS[step.state] ?? TO_DO;
          return (
            // A plan is told as a whole: a step has no name of its own.
            <li key={place} className="flex gap-2">
              <span aria-hidden="true" className={classes("w-3 shrink-0 text-center", look)}>
                {sign}
              </span>
              <span className="sr-only">{says}</span>
              <span className={classes("min-w-0 break-words", step.state === "completed" && "text-faint")}>
                <Seen text={step.text} />
              </span>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
