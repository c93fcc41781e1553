import { graphql, type ResultOf } from "~/live/wire/graphql";

export const GROUPS = graphql(`
  query Groups($search: String, $after: String) {
    workspace {
      id
      groups(search: $search, first: 50, after: $after) {
        nodes {
          key
          name
          size
        }
        totalCount
        pageInfo {
          hasNextPage
          endCursor
        }
      }
    }
  }
`);
export type Group = ResultOf<typeof GROUPS>["workspace"]["groups"]["nodes"][number];

export const GROUP = graphql(`
  query Group($key: String!, $search: String, $after: String) {
    workspace {
      id
      group(key: $key) {
        key
        name
        size
      }
      groupMembers(group: $key, search: $search, first: 50, after: $after) {
        nodes {
          key
          name
        }
        totalCount
        pageInfo {
          hasNextPage
          endCursor
        }
      }
    }
  }
`);

export const CREATE_GROUP = graphql(`
  mutation CreateGroup($input: CreateGroupInput!) {
    createGroup(input: $input) {
      __typename
      ... on GroupChanged {
        group {
          key
          name
        }
      }
      ... on Refusal {
        code
        message
      }
    }
  }
`);

export const RENAME_GROUP = graphql(`
  mutation RenameGroup($input: RenameGroupInput!) {
    renameGroup(input: $input) {
      __typename
      ... on Refusal {
        code
        message
      }
    }
  }
`);

export const CHANGE_GROUP = graphql(`
  mutation ChangeGroup($input: ChangeGroupInput!) {
    changeGroup(input: $input) {
      __typename
      ... on Refusal {
        code
        message
      }
    }
  }
`);

export const REMOVE_GROUP = graphql(`
  mutation RemoveGroup($input: RemoveGroupInput!) {
    removeGroup(input: $input) {
      __typename
      ... on Refusal {
        code
        message
      }
    }
  }
`);
