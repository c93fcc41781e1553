import { makeOperation, type Exchange } from "@urql/core";
import { map, pipe } from "wonka";

/** A view that is made ready for longer shows what it asks for itself. */
export const HOLDS_MS = 10_000;

/**
 * Queries that were asked ahead of the view that will ask for them: its first query takes their answer, also where it
 * would otherwise have asked the broker anew.
 */
export class AskedAhead {
  readonly #until = new Map<number, number>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** The query of a view has been asked for. */
  add(key: number): void {
    this.#until.set(key, this.#now() + HOLDS_MS);
  }

  /** Stands ahead of the cache. */
  readonly exchange: Exchange =
    ({ forward }) =>
    (operations) =>
      forward(
        pipe(
          operations,
          map((operation) => {
            if (operation.kind !== "query" || operation.context.requestPolicy !== "cache-and-network")
              return operation;
            return this.#take(operation.key)
              ? makeOperation("query", operation, { ...operation.context, requestPolicy: "cache-first" })
              : operation;
          }),
        ),
      );

  #take(key: number): boolean {
    const until = this.#until.get(key);
    this.#until.delete(key);
    return until !== undefined && this.#now() < until;
  }
}
