import { Suspense, useState, type ReactNode } from "react";
import { usePermissions } from "~/acting/usePermissions";
import { useLive } from "~/live/LiveContext";
import { useReadable } from "~/live/useReadable";
import { lazily } from "~/live/wire/code";
import type { Meant } from "./ConfirmDialog";
import type { Asked } from "./documents";
import { needsSecondStep } from "./model/secondStep";
import { useAnswer, type Answer, type Reply } from "./useAnswer";

const ConfirmDialog = lazily(() => import("./ConfirmDialog").then((m) => ({ default: m.ConfirmDialog })));
const DenyDialog = lazily(() => import("./DenyDialog").then((m) => ({ default: m.DenyDialog })));

/** What a card of an approval needs to be answered. */
export interface AnsweringCard {
  readonly locked: boolean;
  readonly mayAnswer: boolean;
  readonly mayAddRules: boolean;
  readonly onAnswer: (answer: Answer) => void;
  readonly onDeny: () => void;
  readonly onReply: (reply: Reply) => void;
}

interface Answering {
  /** No answer can be given now: one is on its way, or the page cannot tell what still waits. */
  readonly locked: boolean;
  readonly mayAnswer: boolean;
  /** The key of the approval that was answered here last. */
  readonly answered: string | null;
  readonly of: (asked: Asked) => AnsweringCard;
  /** Ask once more, and then allow them all. */
  readonly confirm: (meant: Meant) => void;
  /** What asks for more; to be drawn somewhere. */
  readonly dialogs: ReactNode;
}

/** Answers to approvals and questions, wherever they are seen: with a second step where one is due, and a no with words. */
export function useAnswering(waiting: readonly Asked[]): Answering {
  const { busy, answered, answer, reply } = useAnswer();
  const [denied, setDenied] = useState<string | null>(null);
  const [meant, setMeant] = useState<Meant | null>(null);
  const permissions = usePermissions();
  // While the socket is away the list may be old: somebody else may have answered.
  const locked = useReadable(useLive().connection.state).state !== "live" || busy;
  const mayAnswer = permissions.has("APPROVE");
  const mayAddRules = permissions.has("ADMINISTER");
  const denying = waiting.find((one) => one.key === denied);

  const allowAll = ({ asked, answer: given }: Meant) => {
    setMeant(null);
    void answer(asked, given);
  };
  const deny = (asked: Asked, given: Answer) => {
    setDenied(null);
    if (asked.question === null) void answer([asked], given);
    else void reply(asked, { decline: true, note: given.note ?? "" });
  };
  return {
    locked,
    mayAnswer,
    answered,
    confirm: setMeant,
    of: (asked) => ({
      locked,
      mayAnswer,
      mayAddRules,
      onAnswer: (given) =>
        needsSecondStep(asked, given)
          ? setMeant({ asked: [asked], answer: given })
          : void answer([asked], given),
      onDeny: () => setDenied(asked.key),
      onReply: (given) => void reply(asked, given),
    }),
    dialogs: (
      <Suspense>
        {meant && <ConfirmDialog meant={meant} onClose={() => setMeant(null)} onAllow={allowAll} />}
        {denying && (
          <DenyDialog
            asked={denying}
            onClose={() => setDenied(null)}
            onDeny={(given) => deny(denying, given)}
          />
        )}
      </Suspense>
    ),
  };
}
