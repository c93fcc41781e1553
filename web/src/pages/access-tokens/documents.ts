import { graphql, type ResultOf } from "~/live/wire/graphql";

const TOKEN = graphql(`
  fragment TokenFields on Token {
    id
    key
    name
    scopes
    sessionKeys
    createdAt
    expiresAt
    lastUsedAt
    rotatedToKey
    serviceAccountKey
  }
`);
export type OneToken = ResultOf<typeof TOKEN>;

export const MINE = graphql(
  `
    query MyTokens {
      viewer {
        personalTokens {
          ...TokenFields
        }
      }
    }
  `,
  [TOKEN],
);

export const ACCOUNTS = graphql(
  `
    query ServiceAccounts {
      workspace {
        id
        serviceAccounts {
          key
          name
          createdAt
          tokens {
            ...TokenFields
          }
        }
      }
    }
  `,
  [TOKEN],
);
export type Account = ResultOf<typeof ACCOUNTS>["workspace"]["serviceAccounts"][number];

export const CREATE_ACCOUNT = graphql(`
  mutation CreateServiceAccount($input: CreateServiceAccountInput!) {
    createServiceAccount(input: $input) {
      __typename
      ... on Refusal {
        code
        message
      }
    }
  }
`);

export const REMOVE_ACCOUNT = graphql(`
  mutation RemoveServiceAccount($input: RemoveServiceAccountInput!) {
    removeServiceAccount(input: $input) {
      __typename
      ... on Refusal {
        code
        message
      }
    }
  }
`);

export const MINT_PERSONAL = graphql(`
  mutation MintPersonalToken($input: MintPersonalTokenInput!) {
    mintPersonalToken(input: $input) {
      __typename
      ... on TokenMinted {
        secret
      }
      ... on Refusal {
        code
        message
      }
    }
  }
`);

export const MINT_SERVICE = graphql(`
  mutation MintServiceToken($input: MintServiceTokenInput!) {
    mintServiceToken(input: $input) {
      __typename
      ... on TokenMinted {
        secret
      }
      ... on Refusal {
        code
        message
      }
    }
  }
`);

export const ROTATE = graphql(`
  mutation RotateToken($input: RotateTokenInput!) {
    rotateToken(input: $input) {
      __typename
      ... on TokenMinted {
        secret
      }
      ... on Refusal {
        code
        message
      }
    }
  }
`);

export const REVOKE = graphql(`
  mutation RevokeAccessToken($input: RevokeTokenInput!) {
    revokeToken(input: $input) {
      __typename
      ... on Refusal {
        code
        message
      }
    }
  }
`);
