import { graphql } from "~/live/wire/graphql";

export const VIEWS = graphql(`
  query HomeViews {
    workspace {
      id
      savedViews(page: HOME) {
        key
        name
        address
        by
      }
    }
  }
`);

export const SAVE_VIEW = graphql(`
  mutation SaveView($input: SaveViewInput!) {
    saveView(input: $input) {
      __typename
      ... on ViewsChanged {
        views {
          key
        }
      }
      ... on Refusal {
        code
        message
      }
    }
  }
`);

export const REMOVE_VIEW = graphql(`
  mutation RemoveView($input: RemoveViewInput!) {
    removeView(input: $input) {
      __typename
      ... on ViewsChanged {
        views {
          key
        }
      }
      ... on Refusal {
        code
        message
      }
    }
  }
`);
