import { graphql, type ResultOf } from "../wire/graphql";

/**
 * What readers of a session know of each event. Fields that differ between kinds in whether they may be null
 * have names of their own, for GraphQL lets one answer name have one shape.
 */
const EVENT = graphql(`
  fragment EventFields on Event {
    __typename
    cursor
    offset
    at
    kind
    agentKey
    agentName
    ... on MessageEvent {
      messageKey
      sender {
        name
        role
        agentKey
      }
      to
      messageText: text
      mode
      thread
      recipients {
        name
        agentKey
        state
        because
      }
    }
    ... on ReceiptEvent {
      messageKey
      receipt: state
      because
      reason
      inTurn: turn
      outcome
    }
    ... on TurnEvent {
      turn
      started
      messageKeys
      outcome
      closingText: text
      reason
    }
    ... on AgentEvent {
      state
      was
      reason
      detail
      data
    }
    ... on ApprovalEvent {
      approvalKey
      status
      tool
      title
      command
      by
      note
    }
    ... on FrameEvent {
      frameType
      transient
      contents {
        __typename
        ... on TextContent {
          text
        }
        ... on TextDelta {
          delta
        }
        ... on Thought {
          text
        }
        ... on ThoughtDelta {
          delta
        }
        ... on PlanContent {
          steps {
            text
            state
          }
        }
        ... on ToolCall {
          callId
          tool
          server
          input
        }
        ... on ToolResult {
          callId
          ok
          output
        }
        ... on CommandRun {
          callId
          command
          cwd
          exitCode
          output
        }
        ... on FilesChanged {
          callId
          changes {
            path
            change
            diff
          }
        }
        ... on Problem {
          detail
          willRetry
        }
      }
    }
    ... on ProxyEvent {
      machine
    }
    ... on StopEvent {
      scope
      stopName
      stoppedBy: by
      note
    }
    ... on HookEvent {
      hook
      runState: state
      reason
      exitCode
    }
    ... on OtherEvent {
      data
    }
  }
`);
export type SessionEvent = ResultOf<typeof EVENT>;
export type EventOf<Name extends SessionEvent["__typename"]> = Extract<SessionEvent, { __typename: Name }>;
export type Content = EventOf<"FrameEvent">["contents"][number];

export const SESSION_EVENTS = graphql(
  `
    subscription SessionEvents($session: ID!, $after: Cursor, $filter: EventFilter) {
      sessionEvents(session: $session, after: $after, filter: $filter) {
        __typename
        ... on Reset {
          first
        }
        ... on CaughtUp {
          head
        }
        ...EventFields
      }
    }
  `,
  [EVENT],
);
export type SessionItem = ResultOf<typeof SESSION_EVENTS>["sessionEvents"];

/** A page of events, and where it stands. */
export const EVENT_PAGE = graphql(
  `
    fragment EventPageFields on EventConnection {
      nodes {
        ...EventFields
      }
      pageInfo {
        hasNextPage
        hasPreviousPage
        startCursor
        endCursor
      }
      head
      reset
    }
  `,
  [EVENT],
);
export type EventConnection = ResultOf<typeof EVENT_PAGE>;

export const EVENTS_PAGE = graphql(
  `
    query EventsPage($session: String!, $last: Int!, $before: Cursor, $filter: EventFilter) {
      session(key: $session) {
        id
        key
        name
        events(last: $last, before: $before, filter: $filter) {
          ...EventPageFields
        }
      }
    }
  `,
  [EVENT_PAGE],
);

export const EVENTS_AFTER = graphql(
  `
    query EventsAfter($session: String!, $after: Cursor!, $first: Int!) {
      session(key: $session) {
        id
        events(first: $first, after: $after, filter: { fragments: false }) {
          ...EventPageFields
        }
      }
    }
  `,
  [EVENT_PAGE],
);
