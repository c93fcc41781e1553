import { useCallback, useEffect, useState } from "react";
import { Output } from "~/design/Output";
import type { Answer } from "~/live/wire/ask";
import { useLive } from "~/live/LiveContext";
import { graphql } from "~/live/wire/graphql";
import { readOutput, type Attempt, type Step, type WholeRun } from "./runs";
import * as texts from "~/texts";

const TAIL = graphql(`
  query CommandOutput($session: String!) {
    session(key: $session) {
      id
      events(last: 50, filter: { kinds: ["command.output", "command.ended"] }) {
        nodes {
          cursor
          ... on OtherEvent {
            data
          }
        }
      }
    }
  }
`);
const LOOK_MS = 2000;

interface AttemptOutputProps {
  run: WholeRun;
  step: Step;
  attempt: Attempt;
}

/** What an attempt has said: all of it once it has ended, the end of it while a command runs. */
export function AttemptOutput({ run, step, attempt }: AttemptOutputProps) {
  const [answer, setAnswer] = useState<Answer<{ output: string }>>();
  const tail = useTail(run, step, attempt);
  useEffect(() => {
    if (attempt.ended_at_ms === null) return;
    let left = false;
    void readOutput(run.id, step.name, attempt.number).then((found) => !left && setAnswer(found));
    return () => {
      left = true;
    };
  }, [run.id, step.name, attempt.number, attempt.ended_at_ms]);
  const text = answer && "value" in answer ? answer.value.output : "";
  const refused = answer && "refused" in answer ? answer.refused : undefined;
  if (refused) return <p className="text-faint">{refused}</p>;
  return (
    <>
      {text && <Output label={texts.workflows.output} text={text} />}
      {tail && (!text || attempt.ended_at_ms === null) && (
        <Output label={texts.workflows.outputSoFar} text={tail} />
      )}
      {attempt.ended_at_ms !== null && answer && !text && !tail && (
        <p className="text-faint">{texts.workflows.noOutput}</p>
      )}
    </>
  );
}

/** The end of what a step's command has written, as its machine tells it. */
function useTail(run: WholeRun, step: Step, attempt: Attempt): string {
  const live = useLive();
  const [tail, setTail] = useState("");
  const wanted = step.agent === null;
  const look = useCallback(async (): Promise<string | undefined> => {
    const { data } = await live.queries
      .query(TAIL, { session: run.session }, { requestPolicy: "network-only" })
      .toPromise();
    const told = (data?.session?.events.nodes ?? [])
      .map((event) => ("data" in event ? (event.data as CommandTold | null) : null))
      .filter((each) => each?.run === run.id && each.step === step.name && each.attempt === attempt.number)
      .at(-1);
    return told ? [told.tail, told.errors_tail].filter(Boolean).join("\n") : undefined;
  }, [live, run.session, run.id, step.name, attempt.number]);
  useEffect(() => {
    if (!wanted) return;
    let left = false;
    const show = () => void look().then((told) => !left && told !== undefined && setTail(told));
    show();
    const timer = attempt.ended_at_ms === null ? setInterval(show, LOOK_MS) : undefined;
    return () => {
      left = true;
      clearInterval(timer);
    };
  }, [look, wanted, attempt.ended_at_ms]);
  return tail;
}

interface CommandTold {
  readonly run?: string;
  readonly step?: string;
  readonly attempt?: number;
  readonly tail?: string;
  readonly errors_tail?: string;
}
