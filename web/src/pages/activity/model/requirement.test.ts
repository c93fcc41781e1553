import { expect, test } from "vitest";
import type { SessionEvent } from "~/live/log/events";
import { noticeOf } from "./notices";

const event = (kind: string, status: string, by: string | null): SessionEvent =>
  ({
    __typename: "ApprovalEvent",
    cursor: "c",
    offset: 1,
    at: "2026-01-01T00:00:00.000Z",
    kind,
    agentKey: "a",
    agentName: "Backend",
    approvalKey: "p",
    status,
    tool: "Bash",
    title: "Run it",
    command: null,
    by,
    note: null,
  }) as SessionEvent;

test("the first of two yeses is a line, and not another request", () => {
  expect(noticeOf(event("approval.requested", "PENDING", null))?.asked).toEqual({
    approval: "p",
    waits: true,
  });
  const kept = noticeOf(event("approval.assented", "PENDING", "Ada"));
  expect(kept).toMatchObject({ asked: null, tone: "quiet" });
  expect(kept?.words).toContain("Ada");
  expect(noticeOf(event("approval.resolved", "ALLOWED", "Ada, Bob"))?.words).toContain("Ada, Bob");
});
