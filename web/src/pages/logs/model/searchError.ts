import * as texts from "~/texts";

/** Why a search was refused, and where in it. */
export interface SearchError {
  readonly message: string;
  /** Counted from 1; null when it is not about a place in the search. */
  readonly column: number | null;
}

interface Failed {
  readonly graphQLErrors: readonly {
    readonly message: string;
    readonly extensions?: Record<string, unknown>;
  }[];
}

/** What a failed search says to people. A column behind what was typed is about its end. */
export function searchError(error: Failed, typed: string): SearchError {
  const [first] = error.graphQLErrors;
  if (!first) return { message: texts.logs.noAnswer, column: null };
  const details = first.extensions?.details;
  const { column, problem } = (typeof details === "object" && details !== null ? details : {}) as Record<
    string,
    unknown
  >;
  if (typeof column !== "number" || typeof problem !== "string")
    return { message: first.message, column: null };
  return { message: problem, column: Math.min(column, Math.max(Array.from(typed).length, 1)) };
}
