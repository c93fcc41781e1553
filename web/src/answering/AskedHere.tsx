import { useEffect } from "react";
import { useQuery } from "urql";
import type { Waiting } from "~/live/documents";
import { said } from "~/live/wire/http";
import { ApprovalCard } from "./ApprovalCard";
import { ASKED_NOW } from "./documents";
import { outcome } from "./model/outcome";
import { useAnswering } from "./useAnswering";
import * as texts from "~/texts";

interface AskedHereProps {
  waiting: Pick<Waiting, "id">;
  /** It was settled, here or elsewhere. */
  over: boolean;
  /** The name of its session, where that is not plain. */
  session?: string | undefined;
}

/** An approval where somebody happens to see it: what is asked, and the answers, as on the page of all of them. */
export function AskedHere({ waiting, over, session }: AskedHereProps) {
  const [{ data, error }, again] = useQuery({
    query: ASKED_NOW,
    variables: { id: waiting.id },
    requestPolicy: "network-only",
  });
  useEffect(() => {
    // Who answered, and what.
    if (over) again({ requestPolicy: "network-only" });
  }, [over, again]);
  const asked = data?.node?.__typename === "Approval" ? data.node : null;
  const answering = useAnswering(asked === null || over ? [] : [asked]);
  if (asked === null)
    return (
      <p data-asked={!data && !error ? "unread" : undefined} className="min-h-24 text-faint">
        {data ? texts.inbox.over : error ? said(error) : texts.shared.loading}
      </p>
    );
  const settled = asked.status === "PENDING" ? texts.inbox.over : texts.inbox.itIs(outcome(asked));
  return (
    <>
      <ApprovalCard
        asked={asked}
        outcome={over ? settled : null}
        session={session}
        chosen={false}
        {...answering.of(asked)}
      />
      {answering.dialogs}
    </>
  );
}
