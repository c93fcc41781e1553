import { useState } from "react";
import { usePermissions } from "~/acting/usePermissions";
import { useCommands } from "~/app/commands";
import { Badge } from "~/design/Badge";
import { Empty } from "~/design/Empty";
import { PageHead } from "~/design/PageHead";
import { useLive, useWorkspace } from "~/live/LiveContext";
import { useReadable } from "~/live/useReadable";
import { ApprovalCard } from "./ApprovalCard";
import { carried, NO_CHOICE, stepped } from "./choice";
import { DenyDialog } from "./DenyDialog";
import type { Asked } from "./documents";
import { NotifyMe } from "./NotifyMe";
import { takesPlainYes } from "./offered";
import { useAnswer } from "./useAnswer";
import { useWaitingList } from "./useWaitingList";
import type { WaitingList } from "./waitingList";
import * as texts from "~/texts";

const OUTCOMES: Record<Asked["status"], string> = {
  PENDING: texts.inbox.isWaiting,
  ALLOWED: texts.inbox.wasAllowed,
  DENIED: texts.inbox.wasDenied,
  WITHDRAWN: texts.inbox.wasWithdrawn,
  EXPIRED: texts.inbox.wasExpired,
  ANSWERED: texts.inbox.wasAnswered,
};

/** Needs you: everything that waits for a person's yes or no or words, of all agents on all machines. */
export function InboxPage() {
  const state = useWaitingList();
  const count = state.state === "ready" ? state.list.waiting.length : 0;
  return (
    <>
      <PageHead title={texts.inbox.title} actions={<NotifyMe />}>
        {count > 0 && <Badge tone="warn">{count}</Badge>}
      </PageHead>
      {state.state === "failed" && <Empty title={texts.inbox.notRead}>{state.message}</Empty>}
      {state.state === "ready" && <Waiting list={state.list} />}
    </>
  );
}

function Waiting({ list }: { list: WaitingList }) {
  const { waiting, settled } = list;
  const { busy, answered, answer, reply } = useAnswer();
  const { chosen, choose, step } = useChosen(waiting, answered);
  const [denied, setDenied] = useState<string | null>(null);
  const permissions = usePermissions();
  const names = useSessionNames();
  // While the socket is away the list may be old: somebody else may have answered.
  const locked = useReadable(useLive().connection.state).state !== "live" || busy;

  const current = waiting.find((one) => one.key === chosen);
  const denying = waiting.find((one) => one.key === denied);
  const able = current !== undefined && !locked && permissions.has("APPROVE");
  useCommands([
    { id: "next", title: texts.inbox.next, section: texts.inbox.title, keys: "j", run: () => step(1) },
    {
      id: "previous",
      title: texts.inbox.previous,
      section: texts.inbox.title,
      keys: "k",
      run: () => step(-1),
    },
    {
      id: "allow",
      title: texts.inbox.allowOnce,
      section: texts.inbox.title,
      keys: "a",
      run: () =>
        void (
          able &&
          current.question === null &&
          takesPlainYes(current.options) &&
          answer(current, { verdict: "ALLOW" })
        ),
    },
    {
      id: "deny",
      title: texts.inbox.deny,
      section: texts.inbox.title,
      keys: "d",
      run: () => able && setDenied(current.key),
    },
  ]);

  return (
    <div className="mx-auto flex w-full max-w-3xl flex-col gap-3 p-3 sm:p-4">
      <p role="status" className="min-h-5 text-xs text-faint">
        {settled &&
          `${settled.agent}: ${settled.title} ${OUTCOMES[settled.status]}${settled.answeredBy ? texts.inbox.by(settled.answeredBy) : ""}.`}
      </p>
      {waiting.length === 0 && <Empty title={texts.inbox.nothing}>{texts.inbox.nothingHow}</Empty>}
      {waiting.map((asked) => (
        <ApprovalCard
          key={asked.key}
          asked={asked}
          session={names.get(asked.sessionKey)}
          chosen={asked.key === chosen}
          locked={locked}
          mayAnswer={permissions.has("APPROVE")}
          mayAddRules={permissions.has("ADMINISTER")}
          onChoose={() => choose(asked.key)}
          onAnswer={(given) => void answer(asked, given)}
          onDeny={() => setDenied(asked.key)}
          onReply={(given) => void reply(asked, given)}
        />
      ))}
      {denying && (
        <DenyDialog
          asked={denying}
          onClose={() => setDenied(null)}
          onDeny={(given) => {
            setDenied(null);
            if (denying.question === null) void answer(denying, given);
            else void reply(denying, { decline: true, note: given.note ?? "" });
          }}
        />
      )}
    </div>
  );
}

/** Which question the keys mean, and how a person chooses another. */
function useChosen(waiting: readonly Asked[], answered: string | null) {
  const [choice, set] = useState(NO_CHOICE);
  if (choice.waiting !== waiting) set(carried(choice, waiting, answered));
  return {
    chosen: choice.key,
    choose: (key: string) => set((now) => ({ ...now, key, lost: null })),
    // Two keys may be pressed before the page is drawn again: each step starts where the one before it led.
    step: (by: 1 | -1) => set((now) => stepped(now, by)),
  };
}

function useSessionNames(): ReadonlyMap<string, string> {
  const overview = useReadable(useWorkspace().overview);
  const sessions = overview.state === "ready" ? overview.value.workspace.sessions.nodes : [];
  return new Map(sessions.map(({ key, name }) => [key, name]));
}
