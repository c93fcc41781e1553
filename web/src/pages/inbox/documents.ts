import { ASKED } from "~/answering/documents";
import { NEED } from "~/live/documents";
import { graphql, type ResultOf } from "~/live/wire/graphql";

const INBOX_NEED = graphql(
  `
    fragment InboxNeedFields on Need {
      ...NeedFields
      approval {
        ...AskedFields
      }
    }
  `,
  [NEED, ASKED],
);
/** Something that needs a person, with all that they need to decide. */
export type InboxNeed = ResultOf<typeof INBOX_NEED>;

export const INBOX = graphql(
  `
    subscription Inbox {
      needs {
        __typename
        ... on NeedsSnapshot {
          needs {
            ...InboxNeedFields
          }
        }
        ... on NeedsChanged {
          changed {
            ...InboxNeedFields
          }
          over
          settled {
            ...AskedFields
          }
        }
      }
    }
  `,
  [INBOX_NEED, ASKED],
);

export const DISMISS = graphql(`
  mutation DismissFailures($input: DismissFailuresInput!) {
    dismissFailures(input: $input) {
      __typename
      ... on Refusal {
        code
        message
      }
    }
  }
`);
