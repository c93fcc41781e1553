import { useState } from "react";
import { act } from "~/acting/act";
import { RESUME } from "~/acting/documents";
import { usePermissions } from "~/acting/usePermissions";
import { ApprovalCard } from "~/answering/ApprovalCard";
import type { Asked } from "~/answering/documents";
import { takesPlainYes } from "~/answering/model/offered";
import { outcome } from "~/answering/model/outcome";
import { useAnswering } from "~/answering/useAnswering";
import { useCommands } from "~/app/commands";
import { toast } from "~/app/toast";
import { Badge } from "~/design/Badge";
import { Button } from "~/design/Button";
import { Empty } from "~/design/Empty";
import { PageHead } from "~/design/PageHead";
import { useLive } from "~/live/LiveContext";
import { useSessionNames } from "~/live/useSessionNames";
import { bulkOf } from "./bulk";
import { carried, NO_CHOICE, stepped } from "./choice";
import { DISMISS, type InboxNeed } from "./documents";
import { grouped, type GroupBy, type InboxList, type Row } from "./inboxList";
import { NeedCard } from "./NeedCard";
import { NotifyMe } from "./NotifyMe";
import { useInbox } from "./useInbox";
import { GROUPS, KINDS } from "./words";
import * as texts from "~/texts";

const ORDERS: readonly GroupBy[] = ["order", "agent", "kind"];

/** Needs you: everything that waits for a person, of all agents on all machines. */
export function InboxPage() {
  const { state, hold } = useInbox();
  const [by, setBy] = useState<GroupBy>("order");
  const count = state.state === "ready" ? state.list.rows.filter(({ over }) => !over).length : 0;
  return (
    <>
      <PageHead title={texts.inbox.title} actions={<NotifyMe />}>
        {count > 0 && <Badge tone="warn">{count}</Badge>}
        {count > 1 && (
          <span role="group" aria-label={texts.inbox.groupBy} className="flex">
            {ORDERS.map((each) => (
              <Button
                key={each}
                size="small"
                look="quiet"
                aria-pressed={by === each}
                className="aria-pressed:bg-active"
                onClick={() => setBy(each)}
              >
                {GROUPS[each]}
              </Button>
            ))}
          </span>
        )}
      </PageHead>
      {state.state === "failed" && <Empty title={texts.inbox.notRead}>{state.message}</Empty>}
      {state.state === "ready" && (
        // What stands under a pointer does not move; the keys have guards of their own.
        <div
          onPointerEnter={(event) => event.pointerType === "mouse" && hold(true)}
          onPointerLeave={() => hold(false)}
        >
          <Waiting list={state.list} by={by} />
        </div>
      )}
    </>
  );
}

function Waiting({ list, by }: { list: InboxList; by: GroupBy }) {
  const waiting = list.rows.flatMap(({ need, over }) =>
    over || need.approval === null ? [] : [need.approval],
  );
  const answering = useAnswering(waiting);
  const { locked, mayAnswer } = answering;
  const { chosen, choose, step } = useChosen(waiting, answering.answered);
  const mayResume = usePermissions().has("SPAWN");
  const names = useSessionNames();
  const mend = useMending();

  const current = waiting.find((one) => one.key === chosen);
  const able = current && !locked && mayAnswer ? answering.of(current) : null;
  const takesYes = current?.ownYes === "COUNTS" && takesPlainYes(current.options);
  const here = (id: string, title: string, keys: string, run: () => void) => ({
    id,
    title,
    keys,
    run,
    section: texts.inbox.title,
  });
  useCommands([
    here("next", texts.inbox.next, "j", () => step(1)),
    here("previous", texts.inbox.previous, "k", () => step(-1)),
    here("allow", texts.inbox.allowOnce, "a", () => takesYes && able?.onAnswer({ verdict: "ALLOW" })),
    here("deny", texts.inbox.deny, "d", () => able?.onDeny()),
  ]);

  const card = ({ need, over, settled }: Row) =>
    need.approval === null ? (
      <NeedCard
        key={need.key}
        need={need}
        session={need.sessionKey === null ? undefined : names.get(need.sessionKey)}
        over={over}
        locked={locked}
        mayDismiss={mayAnswer}
        mayResume={mayResume}
        onDismiss={() => void mend.dismiss([need.key])}
        onResume={() => void mend.resume(need)}
      />
    ) : (
      <ApprovalCard
        key={need.key}
        asked={need.approval}
        outcome={over ? (settled ? texts.inbox.itIs(outcome(settled)) : texts.inbox.over) : null}
        session={names.get(need.approval.sessionKey)}
        chosen={need.approval.key === chosen}
        onChoose={() => need.approval && !over && choose(need.approval.key)}
        {...answering.of(need.approval)}
      />
    );

  return (
    <div className="mx-auto flex w-full max-w-3xl flex-col gap-3 p-3 sm:p-4">
      <p role="status" className="min-h-5 text-xs text-faint">
        {list.latest && `${list.latest.agent}: ${list.latest.title} ${outcome(list.latest)}.`}
      </p>
      {list.rows.length === 0 && <Empty title={texts.inbox.nothing}>{texts.inbox.nothingHow}</Empty>}
      {grouped(list.rows, by).map(([name, rows]) => (
        <section
          key={name}
          aria-label={name === "" ? undefined : groupName(by, name)}
          className="flex flex-col gap-3"
        >
          <GroupHead
            name={name === "" ? null : groupName(by, name)}
            rows={rows}
            locked={locked}
            mayAnswer={mayAnswer}
            onAllow={(asked) => answering.confirm({ asked, answer: { verdict: "ALLOW" } })}
            onDismiss={(keys) => void mend.dismiss(keys)}
          />
          {rows.map(card)}
        </section>
      ))}
      {answering.dialogs}
    </div>
  );
}

const groupName = (by: GroupBy, name: string): string =>
  by === "kind" ? KINDS[name as InboxNeed["kind"]] : name;

interface GroupHeadProps {
  name: string | null;
  rows: readonly Row[];
  locked: boolean;
  mayAnswer: boolean;
  onAllow: (asked: readonly Asked[]) => void;
  onDismiss: (keys: readonly string[]) => void;
}

/** The name of a group, and what can be done with all of it. */
function GroupHead({ name, rows, locked, mayAnswer, onAllow, onDismiss }: GroupHeadProps) {
  const { allowable, dismissable } = bulkOf(rows);
  // As long as rows that are over stand there, so does this.
  const whole = bulkOf(rows.map((row) => ({ ...row, over: false })));
  const many = mayAnswer && (whole.allowable.length > 1 || whole.dismissable.length > 1);
  if (name === null && !many) return null;
  return (
    <div className="flex flex-wrap items-center gap-2">
      {name !== null && <h2 className="font-semibold">{name}</h2>}
      {mayAnswer && whole.allowable.length > 1 && (
        <Button size="small" disabled={locked || allowable.length === 0} onClick={() => onAllow(allowable)}>
          {texts.inbox.allowEach(allowable.length)}
        </Button>
      )}
      {mayAnswer && whole.dismissable.length > 1 && (
        <Button
          size="small"
          look="quiet"
          disabled={locked || dismissable.length === 0}
          onClick={() => onDismiss(dismissable)}
        >
          {texts.inbox.dismissEach(dismissable.length)}
        </Button>
      )}
    </div>
  );
}

/** Dismissing failures, and bringing agents back. */
function useMending() {
  const { queries } = useLive();
  const tell = (done: { done: boolean; message?: string }, title: string) => {
    if (!done.done) toast(texts.acting.failed(title), { description: done.message ?? "", failed: true });
  };
  return {
    dismiss: async (keys: readonly string[]) =>
      tell(await act(queries, DISMISS, { keys: [...keys] }), texts.inbox.dismiss),
    resume: async (need: InboxNeed) =>
      tell(await act(queries, RESUME, { agent: need.subjectKey }), texts.acting.resume),
  };
}

/** Which question the keys mean, and how a person chooses another. */
function useChosen(waiting: readonly Asked[], answered: string | null) {
  const [choice, set] = useState(NO_CHOICE);
  const keys = waiting.map(({ key }) => key).join(" ");
  if (choice.waiting.map(({ key }) => key).join(" ") !== keys) set(carried(choice, waiting, answered));
  return {
    chosen: choice.key,
    choose: (key: string) => set((now) => ({ ...now, key, lost: null })),
    // Two keys may be pressed before the page is drawn again: each step starts where the one before it led.
    step: (by: 1 | -1) => set((now) => stepped(now, by)),
  };
}
