import { useEffect, useState } from "react";
import { act } from "~/acting/act";
import { ANSWER } from "~/acting/documents";
import { Field, TextArea } from "~/acting/Field";
import { usePermissions } from "~/acting/usePermissions";
import { toast } from "~/app/toast";
import { Button } from "~/design/Button";
import { graphql, type ResultOf } from "~/live/wire/graphql";
import { useLive } from "~/live/LiveContext";
import type { Step, WholeRun } from "./runs";
import * as texts from "~/texts";

const GATE = graphql(`
  fragment GateFields on Approval {
    id
    key
    status
    title
    input
  }
`);
const GATES = graphql(
  `
    subscription Gates($session: ID) {
      approvals(session: $session) {
        __typename
        ... on ApprovalsSnapshot {
          approvals {
            ...GateFields
          }
        }
        ... on ApprovalChanged {
          approval {
            ...GateFields
          }
        }
      }
    }
  `,
  [GATE],
);
type Asked = ResultOf<typeof GATE>;

/** What a step asks people, and their answer to it. */
export function Gate({ run, step }: { run: WholeRun; step: Step }) {
  const live = useLive();
  const permissions = usePermissions();
  const asked = useGate(run, step);
  const [note, setNote] = useState("");
  const [busy, setBusy] = useState(false);
  if (!asked) return null;
  const answer = (verdict: "ALLOW" | "DENY") => {
    setBusy(true);
    void act(live.queries, ANSWER, { approval: asked.id, verdict, ...(note && { note }) }).then((done) => {
      setBusy(false);
      if (!done.done) toast(texts.workflows.notDone, { description: done.message, failed: true });
    });
  };
  return (
    <div className="flex flex-col gap-3 rounded-lg border border-line bg-warn-soft p-3">
      <p className="break-words text-text">{asked.title}</p>
      {permissions.has("APPROVE") && (
        <>
          <Field id="gate-note" label={texts.workflows.note} hint={texts.workflows.noteHint}>
            <TextArea id="gate-note" rows={2} value={note} onChange={({ target }) => setNote(target.value)} />
          </Field>
          <div className="flex gap-2">
            <Button look="primary" disabled={busy} onClick={() => answer("ALLOW")}>
              {texts.workflows.approve}
            </Button>
            <Button look="danger" disabled={busy} onClick={() => answer("DENY")}>
              {texts.workflows.deny}
            </Button>
          </div>
        </>
      )}
    </div>
  );
}

/** The question of a step that waits for its answer. */
function useGate(run: WholeRun, step: Step): Asked | undefined {
  const live = useLive();
  const [known, setKnown] = useState<readonly Asked[]>([]);
  useEffect(
    () =>
      live.subscribe(GATES, () => ({ session: run.session }), {
        next: ({ approvals }) =>
          setKnown((before) =>
            approvals.__typename === "ApprovalsSnapshot"
              ? approvals.approvals
              : [...before.filter(({ key }) => key !== approvals.approval.key), approvals.approval],
          ),
        failed: () => undefined,
      }),
    [live, run.session],
  );
  return known.find(({ status, input }) => {
    const about = input as { run?: unknown; step?: unknown } | null;
    return status === "PENDING" && about?.run === run.id && about.step === step.name;
  });
}
