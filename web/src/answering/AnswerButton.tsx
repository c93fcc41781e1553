import { Button } from "~/design/Button";
import type { Waiting } from "~/live/documents";
import { toAnswer } from "./toAnswer";
import * as texts from "~/texts";

/** Shows what an agent asks, with the answers, over the page it is seen on. */
export function AnswerButton({ waiting }: { waiting: Waiting }) {
  return (
    <Button
      size="small"
      aria-label={texts.inbox.answerTo(waiting.agent)}
      onClick={() => toAnswer.set(waiting)}
    >
      {texts.inbox.answerEllipsis}
    </Button>
  );
}
