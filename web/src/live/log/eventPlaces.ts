import { EVENT_PAGE } from "./events";
import { graphql } from "../wire/graphql";

export const EVENTS_AROUND = graphql(
  `
    query EventsAround($session: String!, $cursor: Cursor!, $lines: Int!) {
      session(key: $session) {
        id
        eventsAround(cursor: $cursor, lines: $lines, filter: { fragments: false }) {
          ...EventPageFields
        }
      }
    }
  `,
  [EVENT_PAGE],
);

export const EVENTS_AT = graphql(`
  query EventsAt($session: String!, $at: DateTime!) {
    session(key: $session) {
      id
      eventsAt(at: $at, first: 1, filter: { fragments: false }) {
        nodes {
          __typename
          cursor
        }
      }
    }
  }
`);
