import { WAITING } from "~/live/documents";
import { graphql, type ResultOf } from "~/live/graphql";

const ASKED = graphql(
  `
    fragment AskedFields on Approval {
      ...WaitingFields
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
      machine {
        yes
        lasting
        why
      }
      canAllowSession
      masked
      answeredBy
      note
      detail
      options {
        optionId
        name
        kind
        lasts
      }
      question {
        id
        key
        prompts {
          key
          header
          text
          choices {
            label
            description
          }
          multiSelect
          freeText
          secret
          required
          number
        }
      }
    }
  `,
  [WAITING],
);
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
