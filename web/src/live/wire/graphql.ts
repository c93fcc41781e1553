import { initGraphQLTada } from "gql.tada";
import type { introspection } from "../schema";

/** Documents typed from the broker's schema: a field it does not have is a type error. */
export const graphql = initGraphQLTada<{
  introspection: introspection;
  disableMasking: true;
  scalars: {
    Cursor: string;
    /** ISO 8601, UTC, milliseconds. */
    DateTime: string;
    Date: string;
    BigInt: number;
    JSON: unknown;
  };
}>();

export type { ResultOf, VariablesOf } from "gql.tada";
