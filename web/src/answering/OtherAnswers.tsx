import { Button } from "~/design/Button";
import { listed, verdictOf, type Option } from "./model/offered";
import type { Answer } from "./useAnswer";
import * as texts from "~/texts";

interface OtherAnswersProps {
  options: readonly Option[];
  locked: boolean;
  mayAllow: boolean;
  /** Answers that last are for who administers: behind them no rule is looked at. */
  mayAddRules: boolean;
  open: boolean;
  onAnswer: (answer: Answer) => void;
}

/** The answers that the agent's own program offers, where they are more than a plain yes and no. */
export function OtherAnswers({ options, locked, mayAllow, mayAddRules, open, onAnswer }: OtherAnswersProps) {
  const shown = listed(options).filter((option) => mayAllow || verdictOf(option) === "DENY");
  if (shown.length === 0) return null;
  return (
    <details open={open}>
      <summary className="text-xs text-soft">{texts.inbox.otherAnswers}</summary>
      <ul className="mt-2 flex flex-col items-start gap-1">
        {shown.map((option) => {
          const verdict = verdictOf(option);
          return (
            <li key={option.optionId} className="flex max-w-full flex-wrap items-baseline gap-2">
              <Button
                size="small"
                disabled={locked || verdict === null || (option.lasts && !mayAddRules)}
                onClick={() => verdict && onAnswer({ verdict, optionId: option.optionId })}
              >
                <span className="break-words whitespace-normal">{option.name}</span>
              </Button>
              <span className="text-xs text-faint">{reach(option, verdict)}</span>
            </li>
          );
        })}
      </ul>
    </details>
  );
}

function reach(option: Option, verdict: "ALLOW" | "DENY" | null): string {
  if (verdict === null) return texts.inbox.unknownAnswer(option.kind);
  return option.lasts ? texts.inbox.lasting : "";
}
