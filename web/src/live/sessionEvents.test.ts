import { expect, test } from "vitest";
import { ConnectionTruth } from "./connection";
import type { SessionEvent, SessionItem } from "./events";
import type { Live, Listener } from "./live";
import { notices } from "./notices";
import { SessionEvents } from "./sessionEvents";

const event = (offset: number): SessionEvent => ({
  __typename: "OtherEvent",
  cursor: `e:${offset}`,
  offset,
  at: "2026-01-31T10:00:00.000Z",
  kind: "session.created",
  agentKey: null,
  agentName: null,
  data: {},
});

const caughtUp = (offset: number): SessionItem => ({ __typename: "CaughtUp", head: `e:${offset}` });

/** A broker whose log has so many events, and which sends what it is told to. */
function broker(length: number, pageSize = 75) {
  const connection = new ConnectionTruth();
  connection.connected();
  let listener: Listener<{ sessionEvents: SessionItem }> | undefined;
  let variables: (() => { after: string | null }) | undefined;
  const page = (before: string | null) => {
    const end = before === null ? length : Number(before.slice(2)) - 1;
    const begin = Math.max(0, end - pageSize);
    const nodes = Array.from({ length: end - begin }, (_, index) => event(begin + index + 1));
    const pageInfo = { hasPreviousPage: begin > 0, startCursor: null };
    return {
      data: { session: { id: "s", key: "s", name: "s", events: { nodes, pageInfo, head: `e:${length}` } } },
    };
  };
  const live = {
    connection,
    queries: {
      query: (_: unknown, asked: { before: string | null }) => ({
        toPromise: () => Promise.resolve(page(asked.before)),
      }),
    },
    subscribe: (_: unknown, ask: typeof variables, hears: typeof listener) => {
      [variables, listener] = [ask, hears];
      return () => (listener = undefined);
    },
  };
  return {
    live: live as unknown as Live,
    connection,
    send: (...items: SessionItem[]) => items.forEach((item) => listener?.next({ sessionEvents: item })),
    after: () => variables?.().after,
  };
}

const opened = async (log: SessionEvents, count: number) => {
  await expect.poll(() => log.tail.get().events.length).toBeGreaterThanOrEqual(count);
};

const offsets = (log: SessionEvents) => log.tail.get().events.map((one) => one.offset);
const schedule = (show: () => void) => show();

test("the latest page is shown first, then enough before it, then what happens", async () => {
  const { live, send, after } = broker(1000);
  const log = new SessionEvents(live, "s", { schedule, initial: 200 });
  await opened(log, 200);
  expect([offsets(log)[0], offsets(log).at(-1)]).toEqual([776, 1000]);
  expect(after()).toBe("e:1000");
  send(caughtUp(1000), event(1001));
  expect(offsets(log).at(-1)).toBe(1001);
  expect(log.tail.get().hasEarlier).toBe(true);
});

test("after a reconnect it goes on where it stopped, nothing twice, and says how much that was", async () => {
  const { live, connection, send, after } = broker(10);
  const log = new SessionEvents(live, "s", { schedule });
  await opened(log, 10);
  send(caughtUp(10), event(11));
  connection.closed(1006, "");
  connection.connected();
  expect(after()).toBe("e:11");
  send(event(11), event(12), event(13), caughtUp(13));
  expect(offsets(log).slice(-4)).toEqual([10, 11, 12, 13]);
  expect(notices.get()).toEqual({ type: "replayed", count: 2 });
  log.close();
});

test("history that is gone is said, and what is kept is shown", async () => {
  const { live, send } = broker(10);
  const log = new SessionEvents(live, "s", { schedule });
  await opened(log, 10);
  send(caughtUp(10), { __typename: "Reset", first: "e:90" }, event(90), caughtUp(90));
  expect(offsets(log)).toEqual([90]);
  expect(notices.get()).toEqual({ type: "gap" });
});
