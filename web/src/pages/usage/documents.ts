import { graphql, type ResultOf } from "~/live/wire/graphql";

const COUNTERS = graphql(`
  fragment CounterFields on Usage {
    messages
    turns
    inputTokens
    outputTokens
    cachedTokens
    costUsd
    estimatedUsd
  }
`);

export const USED = graphql(
  `
    query Used($since: Date!, $until: Date!) {
      workspace {
        id
        days: usage(since: $since, until: $until, by: DAY) {
          day
          ...CounterFields
        }
        agents: usage(since: $since, until: $until, by: AGENT) {
          sessionKey
          agent
          ...CounterFields
        }
      }
    }
  `,
  [COUNTERS],
);
export type AgentUse = ResultOf<typeof USED>["workspace"]["agents"][number];

export const USED_BY_NAME = graphql(
  `
    query UsedByName($since: Date!, $until: Date!) {
      workspace {
        id
        sessions: usage(since: $since, until: $until, by: SESSION) {
          sessionKey
          ...CounterFields
        }
        people: usage(since: $since, until: $until, by: PERSON) {
          person
          ...CounterFields
        }
        models: usage(since: $since, until: $until, by: MODEL) {
          model
          ...CounterFields
        }
      }
    }
  `,
  [COUNTERS],
);
