import { graphql, type ResultOf } from "~/live/graphql";

export const MESSAGES_TODAY = graphql(`
  query MessagesToday {
    workspace {
      id
      plan
      limits {
        agents
        messagesPerDay
        members
        logDays
      }
      messagesToday {
        count
        limit
        resetsAt
      }
    }
  }
`);

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
      }
    }
  }
`);
export type AgentUse = ResultOf<typeof USED>["workspace"]["agents"][number];
