import { graphql, type ResultOf } from "./wire/graphql";

const PAUSE = graphql(`
  fragment PauseFields on Pause {
    at
    until
    isOver
    text
    budgetKey
    limit
    sessionKey
    agentName
  }
`);
export type Pause = ResultOf<typeof PAUSE>;

/** What stopped what in a workspace. */
export const PAUSES = graphql(
  `
    query Pauses {
      workspace {
        id
        pauses {
          ...PauseFields
        }
      }
    }
  `,
  [PAUSE],
);

/** The same in a session. */
export const SESSION_PAUSES = graphql(
  `
    query SessionPauses($session: String!) {
      session(key: $session) {
        id
        pauses {
          ...PauseFields
        }
      }
    }
  `,
  [PAUSE],
);

/** What has stopped one agent. */
export const AGENT_PAUSES = graphql(
  `
    query AgentPauses($agent: ID!) {
      node(id: $agent) {
        __typename
        id
        ... on Agent {
          pauses {
            ...PauseFields
          }
        }
      }
    }
  `,
  [PAUSE],
);
