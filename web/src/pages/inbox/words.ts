import type { InboxNeed } from "./documents";
import type { GroupBy } from "./inboxList";
import * as texts from "~/texts";

/** What kinds of things that need a person are called. */
export const KINDS: Record<InboxNeed["kind"], string> = {
  APPROVAL: texts.inbox.kindApproval,
  QUESTION: texts.inbox.kindQuestion,
  GATE: texts.inbox.kindGate,
  FAILED_AGENT: texts.inbox.kindFailedAgent,
  UNDELIVERED: texts.inbox.kindUndelivered,
  MACHINE_AWAY: texts.inbox.kindMachineAway,
  RUN: texts.inbox.kindRun,
  BUDGET: texts.inbox.kindBudget,
  PLAN: texts.inbox.kindPlan,
};

/** How the list can be grouped. */
export const GROUPS: Record<GroupBy, string> = {
  order: texts.inbox.asAsked,
  agent: texts.inbox.byAgent,
  kind: texts.inbox.byKind,
};
