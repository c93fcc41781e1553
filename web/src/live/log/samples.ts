import type { SessionEvent } from "./events";

/** An event of a session, for tests. */
export const event = (offset: number): SessionEvent => ({
  __typename: "OtherEvent",
  cursor: `e:${offset}`,
  offset,
  at: "2026-01-31T10:00:00.000Z",
  kind: "session.created",
  agentKey: null,
  agentName: null,
  data: {},
});
