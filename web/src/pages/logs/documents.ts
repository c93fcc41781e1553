import { EVENT_PAGE } from "~/live/log/events";
import { graphql, type ResultOf } from "~/live/wire/graphql";

/** Lines on a page of what was found. */
export const HITS_AT_ONCE = 50;
export const SEARCH = graphql(`
  query SearchLogs($query: String!, $session: String, $first: Int!, $after: String) {
    workspace {
      id
      logs(query: $query, session: $session, first: $first, after: $after) {
        nodes {
          line {
            sessionKey
            sessionName
            cursor
            at
            kind
            event
            agent
            cli
            tool
            command
            exitCode
            paths
            ok
            excerpt {
              text
              highlights {
                start
                length
              }
            }
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
export type Hit = ResultOf<typeof SEARCH>["workspace"]["logs"]["nodes"][number]["line"];

/** Bars at most. */
export const BUCKETS = 60;
export const HISTOGRAM = graphql(`
  query LogHistogram($query: String!, $session: String, $buckets: Int!) {
    workspace {
      id
      histogram(query: $query, session: $session, buckets: $buckets) {
        at
        spanMs
        count
        failed
      }
    }
  }
`);

const COUNT = graphql(`
  fragment CountFields on FacetCount {
    value
    count
    name
  }
`);
export type FacetCount = ResultOf<typeof COUNT>;

export const FACETS = graphql(
  `
    query LogFacets($query: String!, $session: String) {
      workspace {
        id
        agent: facets(query: $query, session: $session, field: AGENT, first: 12) {
          ...CountFields
        }
        kind: facets(query: $query, session: $session, field: KIND, first: 16) {
          ...CountFields
        }
        tool: facets(query: $query, session: $session, field: TOOL, first: 12) {
          ...CountFields
        }
        cli: facets(query: $query, session: $session, field: CLI, first: 8) {
          ...CountFields
        }
        session: facets(query: $query, session: $session, field: SESSION, first: 12) {
          ...CountFields
        }
        ok: facets(query: $query, session: $session, field: OK, first: 2) {
          ...CountFields
        }
      }
    }
  `,
  [COUNT],
);
export type Facets = Omit<ResultOf<typeof FACETS>["workspace"], "id">;

export const AROUND = graphql(
  `
    query LinesAround($session: String!, $cursor: Cursor!, $lines: Int!) {
      session(key: $session) {
        id
        key
        name
        eventsAround(cursor: $cursor, lines: $lines, filter: { fragments: false }) {
          ...EventPageFields
        }
      }
    }
  `,
  [EVENT_PAGE],
);

export const CHANGES = graphql(`
  query SessionChanges($session: String!, $agent: String, $after: String) {
    session(key: $session) {
      id
      key
      name
      changes(agent: $agent, first: 50, after: $after) {
        nodes {
          cursor
          at
          agent
          turn
          changes {
            path
            change
            diff
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
export type ChangeEntry = NonNullable<ResultOf<typeof CHANGES>["session"]>["changes"]["nodes"][number];
