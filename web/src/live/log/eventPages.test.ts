import { expect, test } from "vitest";
import { askAhead, eventPage } from "./eventPages";
import type { Live } from "../wire/live";

/** A broker that answers the n-th query with a log whose end is n. */
function broker() {
  let asked = 0;
  const query = () => {
    asked += 1;
    const events = { nodes: [], pageInfo: { hasPreviousPage: false, startCursor: null }, head: `e:${asked}` };
    const answer = { data: { session: { id: "s", key: "s", name: "s", events } } };
    return { toPromise: () => Promise.resolve(answer) };
  };
  return { unkept: { query } } as unknown as Live;
}

const headOf = async (...[live, asked]: Parameters<typeof eventPage>) => {
  const page = await eventPage(live, asked);
  return page.state === "ready" ? page.head : page.message;
};

test("a page that was asked for ahead is the answer to the first who reads it, and to nobody else", async () => {
  const live = broker();
  const asked = { session: "s", last: 30, before: null };
  askAhead(live, asked);
  expect(await headOf(live, { ...asked, session: "other" })).toBe("e:2");
  expect(await headOf(live, asked)).toBe("e:1");
  expect(await headOf(live, asked)).toBe("e:3");
});

test("a session that is not there is told apart from a broker that does not answer", async () => {
  const answering = (answer: object) =>
    ({ unkept: { query: () => ({ toPromise: () => Promise.resolve(answer) }) } }) as unknown as Live;
  const asked = { session: "s", last: 30 };
  expect((await eventPage(answering({ data: { session: null } }), asked)).state).toBe("missing");
  expect((await eventPage(answering({}), asked)).state).toBe("failed");
});
