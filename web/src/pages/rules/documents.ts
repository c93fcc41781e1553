import { graphql, type ResultOf } from "~/live/wire/graphql";

const PATTERNS = graphql(`
  fragment PatternFields on Rule {
    effect
    tool
    command
    path
    risk
    role
    group
    people
  }
`);

export const RULES = graphql(
  `
    query Rules {
      workspace {
        id
        rules {
          ...PatternFields
          madeBy
          madeAt
        }
      }
    }
  `,
  [PATTERNS],
);
/** A rule that is there. */
export type KeptRule = ResultOf<typeof RULES>["workspace"]["rules"][number];

export const RULE_TRIAL = graphql(
  `
    query RuleTrial(
      $effect: Effect!
      $tool: String!
      $command: String
      $path: String
      $risk: Risk
      $role: MemberRole
      $group: String
      $people: Int!
      $days: Int!
    ) {
      ruleTrial(
        effect: $effect
        tool: $tool
        command: $command
        path: $path
        risk: $risk
        role: $role
        group: $group
        people: $people
        days: $days
      ) {
        lookedAt
        whole
        matched
        requests {
          outcome
          approval {
            key
            agent
            title
            command
            askedAt
          }
          by {
            ...PatternFields
          }
        }
      }
    }
  `,
  [PATTERNS],
);
export type RuleTrial = ResultOf<typeof RULE_TRIAL>["ruleTrial"];
export type TriedRequest = RuleTrial["requests"][number];

export const ADD_RULE = graphql(`
  mutation AddRule($input: ChangeRuleInput!) {
    addRule(input: $input) {
      __typename
      ... on Refusal {
        code
        message
      }
    }
  }
`);

export const REMOVE_RULE = graphql(`
  mutation RemoveRule($input: ChangeRuleInput!) {
    removeRule(input: $input) {
      __typename
      ... on Refusal {
        code
        message
      }
    }
  }
`);

export const MOVE_RULE = graphql(`
  mutation MoveRule($input: MoveRuleInput!) {
    moveRule(input: $input) {
      __typename
      ... on Refusal {
        code
        message
      }
    }
  }
`);
