import { graphql, type ResultOf } from "~/live/wire/graphql";

/** What the page of a machine shows besides what every page knows. */
export const MACHINE = graphql(`
  query Machine($id: ID!) {
    node(id: $id) {
      __typename
      id
      ... on Proxy {
        policy {
          folders
          programs
          whoMaySpawn
          agentsMaySpawn
          mostAgents
          asks
          strict
          terminal
          problem
          hash
          since
        }
        load {
          at
          processors
          load1
          load5
          load15
          memoryBytes
          memoryFreeBytes
          diskBytes
          diskFreeBytes
        }
      }
    }
  }
`);

/** A machine as the broker answers for it. */
export type Found = Extract<NonNullable<ResultOf<typeof MACHINE>["node"]>, { __typename: "Proxy" }>;
export type Policy = NonNullable<Found["policy"]>;
export type Load = NonNullable<Found["load"]>;
