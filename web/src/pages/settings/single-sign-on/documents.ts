import { graphql, type ResultOf } from "~/live/wire/graphql";

const STANDING = graphql(`
  fragment SingleSignOnFields on SingleSignOn {
    provider {
      key
      issuer
      clientId
      secret
      domains
      joinsAs
      required
      hours
    }
    answerAt
    signInAt
    missing
    lastFailure {
      at
      message
    }
  }
`);
export type Standing = ResultOf<typeof STANDING>;
export type Provider = NonNullable<Standing["provider"]>;

export const SINGLE_SIGN_ON = graphql(
  `
    query SingleSignOn {
      workspace {
        id
        singleSignOn {
          ...SingleSignOnFields
        }
      }
    }
  `,
  [STANDING],
);

export const HAS_SINGLE_SIGN_ON = graphql(`
  query HasSingleSignOn {
    workspace {
      id
      slug
      hasSingleSignOn
    }
  }
`);

export const SET = graphql(
  `
    mutation SetSingleSignOn($input: SetSingleSignOnInput!) {
      setSingleSignOn(input: $input) {
        __typename
        ... on SingleSignOnSet {
          singleSignOn {
            ...SingleSignOnFields
          }
        }
        ... on Refusal {
          code
          message
        }
      }
    }
  `,
  [STANDING],
);

export const REMOVE = graphql(
  `
    mutation RemoveSingleSignOn($input: RemoveSingleSignOnInput!) {
      removeSingleSignOn(input: $input) {
        __typename
        ... on SingleSignOnRemoved {
          singleSignOn {
            ...SingleSignOnFields
          }
        }
        ... on Refusal {
          code
          message
        }
      }
    }
  `,
  [STANDING],
);
