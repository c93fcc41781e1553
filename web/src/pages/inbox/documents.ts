import { graphql, type ResultOf } from "~/live/graphql";

const ASKED = graphql(`
  fragment AskedFields on Approval {
    id
    key
    agent
    agentKey
    sessionKey
    status
    tool
    title
    command
    cwd
    changes {
      path
      change
      diff
    }
    input
    reason
    risk
    riskReasons
    suggestedRules {
      effect
      tool
      command
      path
    }
    canAllowSession
    askedAt
    deadline
    answeredBy
    note
  }
`);
/** An approval with all that a person needs to decide. */
export type Asked = ResultOf<typeof ASKED>;

export const ASKED_FOR = graphql(
  `
    subscription AskedFor($session: ID) {
      approvals(session: $session) {
        __typename
        ... on ApprovalsSnapshot {
          approvals {
            ...AskedFields
          }
        }
        ... on ApprovalChanged {
          approval {
            ...AskedFields
          }
        }
      }
    }
  `,
  [ASKED],
);
