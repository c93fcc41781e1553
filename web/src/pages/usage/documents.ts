import { graphql, type ResultOf } from "~/live/graphql";

export const USED = graphql(`
  query Used($since: Date!, $until: Date!) {
    workspace {
      id
      days: usage(since: $since, until: $until, by: DAY) {
        day
        messages
        turns
        inputTokens
        outputTokens
        cachedTokens
        costUsd
        estimatedUsd
      }
      agents: usage(since: $since, until: $until, by: AGENT) {
        sessionKey
        agent
        messages
        turns
        inputTokens
        outputTokens
        cachedTokens
        costUsd
        estimatedUsd
      }
    }
  }
`);
export type AgentUse = ResultOf<typeof USED>["workspace"]["agents"][number];

export const USED_BY_NAME = graphql(`
  query UsedByName($since: Date!, $until: Date!) {
    workspace {
      id
      sessions: usage(since: $since, until: $until, by: SESSION) {
        sessionKey
        messages
        turns
        inputTokens
        outputTokens
        cachedTokens
        costUsd
        estimatedUsd
      }
      people: usage(since: $since, until: $until, by: PERSON) {
        person
        messages
        turns
        inputTokens
        outputTokens
        cachedTokens
        costUsd
        estimatedUsd
      }
      models: usage(since: $since, until: $until, by: MODEL) {
        model
        messages
        turns
        inputTokens
        outputTokens
        cachedTokens
        costUsd
        estimatedUsd
      }
    }
  }
`);
