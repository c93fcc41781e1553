import type { Asked } from "../documents";
import * as texts from "~/texts";

const OUTCOMES: Record<Asked["status"], string> = {
  PENDING: texts.inbox.isWaiting,
  ALLOWED: texts.inbox.wasAllowed,
  DENIED: texts.inbox.wasDenied,
  WITHDRAWN: texts.inbox.wasWithdrawn,
  EXPIRED: texts.inbox.wasExpired,
  ANSWERED: texts.inbox.wasAnswered,
};

/** How something that was asked ended, and who ended it. */
export function outcome({ status, answeredBy }: Asked): string {
  return `${OUTCOMES[status]}${answeredBy ? texts.inbox.by(answeredBy) : ""}`;
}
