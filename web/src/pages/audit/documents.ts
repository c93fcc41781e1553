import { graphql, type ResultOf } from "~/live/wire/graphql";

export const AUDIT = graphql(`
  query Audit($act: String, $by: String, $on: String, $upTo: Int, $after: String) {
    workspace {
      id
      audit(act: $act, by: $by, on: $on, upTo: $upTo, after: $after, first: 50) {
        nodes {
          number
          at
          act
          on
          before
          after
          by {
            kind
            name
            tokenKey
            memberKey
            agentKey
            address
            request
          }
        }
        pageInfo {
          hasNextPage
          endCursor
        }
      }
    }
  }
`);
export type AuditRecord = ResultOf<typeof AUDIT>["workspace"]["audit"]["nodes"][number];
