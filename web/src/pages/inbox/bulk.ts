import type { Row } from "./inboxList";
import { takesPlainYes } from "~/answering/model/offered";
import type { Asked } from "~/answering/documents";

/** What can be done with many rows at once. */
export interface Bulk {
  /** May be allowed together by whoever looks: of no high risk, with a plain yes, on a machine that does not refuse. */
  readonly allowable: readonly Asked[];
  /** Failures to dismiss. */
  readonly dismissable: readonly string[];
}

/** Of some rows that still need somebody. What is of high risk is answered one by one. */
export function bulkOf(rows: readonly Row[]): Bulk {
  const open = rows.filter(({ over }) => !over).map(({ need }) => need);
  return {
    allowable: open.flatMap(({ approval }) =>
      approval !== null &&
      approval.question === null &&
      approval.ownYes === "COUNTS" &&
      approval.risk !== "HIGH" &&
      approval.machine?.yes !== "REFUSES" &&
      takesPlainYes(approval.options)
        ? [approval]
        : [],
    ),
    dismissable: open.filter(({ dismissable }) => dismissable).map(({ key }) => key),
  };
}
