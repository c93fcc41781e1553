import { Client, createRequest, fetchExchange, cacheExchange } from "@urql/core";
import { expect, test, vi } from "vitest";
import { AskedAhead } from "./asked";

/** A client with the queries that reached its broker. */
function client(ahead: AskedAhead) {
  const fetch = vi.fn(() =>
    Promise.resolve(Response.json({ data: { workspace: { __typename: "Workspace", id: "w" } } })),
  );
  const exchanges = [ahead.exchange, cacheExchange, fetchExchange];
  return {
    fetch,
    queries: new Client({ url: "http://broker/graphql", fetch, exchanges, preferGetMethod: false }),
  };
}

const ASKED = createRequest("{ workspace { id } }", {});
const FRESH = { requestPolicy: "cache-and-network" } as const;
/** What follows at once is done. */
const settled = () => new Promise((resolve) => setTimeout(resolve, 20));

test("a view takes the answer to what was asked ahead, and the next asks the broker again", async () => {
  const ahead = new AskedAhead();
  const { fetch, queries } = client(ahead);
  ahead.add(ASKED.key);
  await queries.executeQuery(ASKED).toPromise();
  expect((await queries.executeQuery(ASKED, FRESH).toPromise()).data).toMatchObject({
    workspace: { id: "w" },
  });
  await settled();
  expect(fetch).toHaveBeenCalledTimes(1);
  queries.executeQuery(ASKED, FRESH).subscribe(() => undefined);
  await settled();
  expect(fetch).toHaveBeenCalledTimes(2);
});

test("an answer that has waited too long is asked for again", async () => {
  let now = 0;
  const ahead = new AskedAhead(() => now);
  const { fetch, queries } = client(ahead);
  ahead.add(ASKED.key);
  await queries.executeQuery(ASKED).toPromise();
  now = 60_000;
  queries.executeQuery(ASKED, FRESH).subscribe(() => undefined);
  await settled();
  expect(fetch).toHaveBeenCalledTimes(2);
});
