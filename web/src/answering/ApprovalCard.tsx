import { Link } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { AgentName } from "~/design/AgentName";
import { Badge } from "~/design/Badge";
import { Button } from "~/design/Button";
import { classes } from "~/design/classes";
import { Kbd } from "~/design/Kbd";
import { Seen } from "~/design/Seen";
import { seenText } from "~/design/seen";
import { Timestamp } from "~/design/Timestamp";
import { Countdown } from "./Countdown";
import type { Asked } from "./documents";
import { needsSecondStep } from "./model/secondStep";
import { takesPlainYes } from "./model/offered";
import { Needed } from "./Needed";
import { OtherAnswers } from "./OtherAnswers";
import { QuestionForm } from "./QuestionForm";
import { RiskNote } from "./RiskNote";
import { StandsStill } from "./StandsStill";
import { ruleWords } from "./model/ruleWords";
import type { AnsweringCard } from "./useAnswering";
import { WhatIsAsked } from "./WhatIsAsked";
import * as texts from "~/texts";

interface ApprovalCardProps extends AnsweringCard {
  asked: Asked;
  /** How it was settled, of one that waits no longer. */
  outcome: string | null;
  session: string | undefined;
  chosen: boolean;
  onChoose?: () => void;
}

/** One question of an agent, and the answers to it. */
export function ApprovalCard(props: ApprovalCardProps) {
  const { asked, session, chosen, onChoose } = props;
  const card = useRef<HTMLElement>(null);
  useEffect(() => {
    if (chosen) card.current?.scrollIntoView({ block: "nearest" });
  }, [chosen]);
  return (
    // Touching anything in it chooses it; the keys j and k do the same.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <article
      ref={card}
      aria-label={seenText(`${asked.agent}: ${asked.title}`)}
      data-over={props.outcome !== null || undefined}
      aria-current={chosen || undefined}
      onFocus={onChoose}
      onPointerDown={onChoose}
      className={classes(
        "flex flex-col gap-3 rounded-xl border bg-surface p-4",
        chosen ? "border-accent" : asked.risk === "HIGH" ? "border-bad" : "border-line",
        props.outcome !== null && "border-line bg-sunk",
      )}
    >
      <header className="flex flex-wrap items-baseline gap-x-2 gap-y-1">
        <AgentName name={asked.agent} />
        <h2 className="min-w-0 text-base break-words">
          <Seen text={asked.title} />
        </h2>
        <span className="ml-auto flex items-baseline gap-3">
          {props.outcome === null && <Countdown deadline={asked.deadline} />}
          <Timestamp at={Date.parse(asked.askedAt)} />
        </span>
      </header>
      {asked.question === null && <RiskNote asked={asked} />}
      {asked.question === null && <WhatIsAsked asked={asked} />}
      <Needed asked={asked} />
      {asked.machine !== null && asked.machine.yes !== "PASSES" && (
        <p className="flex flex-wrap items-baseline gap-2">
          <Badge tone={asked.machine.yes === "REFUSES" ? "bad" : "warn"}>
            {asked.machine.yes === "REFUSES" ? texts.inbox.willBeRefused : texts.inbox.askedOnMachine}
          </Badge>
          <span className="min-w-0 flex-1 text-xs text-soft">
            <Seen text={asked.machine.why} />
          </span>
        </p>
      )}
      {asked.masked && <p className="text-xs text-soft">{texts.inbox.masked}</p>}
      <StandsStill words={props.outcome}>
        {asked.question !== null ? (
          <QuestionForm
            question={asked.question}
            locked={props.locked}
            mayAnswer={props.mayAnswer}
            onReply={(answers) => props.onReply({ answers })}
            onDecline={props.onDeny}
          />
        ) : props.mayAnswer && asked.ownYes !== "NOT_PERMITTED" ? (
          <Answers {...props} />
        ) : (
          <p className="text-faint">{texts.inbox.readOnly}</p>
        )}
      </StandsStill>
      {session !== undefined && (
        <footer className="text-xs text-faint">
          {texts.inbox.inSession}{" "}
          <Link
            to="/session/$key"
            params={{ key: asked.sessionKey }}
            search={{ agent: asked.agent }}
            className="text-accent-text hover:underline"
          >
            {session}
          </Link>
        </footer>
      )}
    </article>
  );
}

function Answers({ asked, chosen, locked, mayAddRules, onAnswer, onDeny }: ApprovalCardProps) {
  const once = { verdict: "ALLOW" } as const;
  const again = needsSecondStep(asked, once);
  const mayAllow = asked.ownYes === "COUNTS";
  return (
    <div className="flex flex-col gap-2">
      {!mayAllow && (
        <p className="text-xs text-soft">
          {asked.ownYes === "SAID" ? texts.inbox.youSaidYes : texts.inbox.othersAllow}
        </p>
      )}
      <div className="flex flex-wrap gap-2">
        {mayAllow && takesPlainYes(asked.options) && (
          <Button
            look={chosen && !again ? "primary" : "plain"}
            disabled={locked}
            onClick={() => onAnswer(once)}
          >
            {again ? texts.inbox.allowOnceEllipsis : texts.inbox.allowOnce} {chosen && <Keys keys="a" />}
          </Button>
        )}
        {mayAllow && asked.canAllowSession && (
          <Button
            disabled={locked}
            title={texts.inbox.allowWhileMeans}
            onClick={() => onAnswer({ verdict: "ALLOW", scope: "SESSION" })}
          >
            {texts.inbox.allowWhile}
          </Button>
        )}
        <Button look="danger" disabled={locked} onClick={onDeny}>
          {texts.inbox.denyEllipsis} {chosen && <Keys keys="d" />}
        </Button>
      </div>
      <OtherAnswers
        options={asked.options}
        locked={locked}
        mayAllow={mayAllow}
        mayAddRules={mayAddRules}
        open={!takesPlainYes(asked.options)}
        onAnswer={onAnswer}
      />
      {asked.machine?.yes === "PASSES" && (
        <p className="text-xs text-soft">
          <Seen text={asked.machine.why} />
        </p>
      )}
      {mayAllow && mayAddRules && asked.suggestedRules.length > 0 && (
        <details>
          <summary className="text-xs text-soft">{texts.inbox.alwaysAllow}</summary>
          <ul className="mt-2 flex flex-col items-start gap-1">
            {asked.suggestedRules.map((rule) => (
              <li key={ruleWords(rule)} className="max-w-full">
                <Button
                  size="small"
                  disabled={locked}
                  className="max-w-full"
                  onClick={() => onAnswer({ verdict: "ALLOW", always: rule })}
                >
                  <code className="truncate">{ruleWords(rule)}</code>
                </Button>
              </li>
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}

function Keys({ keys }: { keys: string }) {
  return (
    <span className="hidden pointer-fine:inline" aria-hidden="true">
      <Kbd keys={keys} />
    </span>
  );
}
