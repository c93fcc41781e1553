import { WAITING } from "~/live/documents";
import { graphql, type ResultOf } from "~/live/wire/graphql";

export const ASKED = graphql(
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
        examples {
          text
          covered
        }
      }
      needs {
        words
      }
      assents {
        by
      }
      ownYes
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

export const ASKED_NOW = graphql(
  `
    query AskedNow($id: ID!) {
      node(id: $id) {
        __typename
        ...AskedFields
      }
    }
  `,
  [ASKED],
);
