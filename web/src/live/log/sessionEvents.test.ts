import { expect, test } from "vitest";
import { ConnectionTruth } from "../wire/connection";
import type { SessionEvent, SessionItem } from "./events";
import type { Live, Listener } from "../wire/live";
import { notices } from "../notices";
import { SessionEvents } from "./sessionEvents";
import { event } from "./samples";

const caughtUp = (offset: number): SessionItem => ({ __typename: "CaughtUp", head: `e:${offset}` });

/** A broker whose log has so many events, and which sends what it is told to. */
function broker(length: number, pageSize = 75) {
  const connection = new ConnectionTruth();
  connection.connected();
  let listener: Listener<{ sessionEvents: SessionItem }> | undefined;
  let variables: (() => { after: string | null }) | undefined;
  let questions = 0;
  const page = (before: string | null) => {
    const end = before === null ? length : Number(before.slice(2)) - 1;
    const begin = Math.max(0, end - pageSize);
    return pageOf("events", eventsOf(begin, end), { begin, end });
  };
  /** What is asked for by name: a page behind a place, or around one. */
  const answer = (asked: { before?: string | null; after?: string; cursor?: string }) => {
    if (asked.cursor !== undefined) {
      const at = Number(asked.cursor.slice(2));
      const [begin, end] = [Math.max(0, at - 10), Math.min(length, at + 10)];
      return pageOf("eventsAround", eventsOf(begin, end), { begin, end });
    }
    if (asked.after !== undefined) {
      const begin = Number(asked.after.slice(2));
      const end = Math.min(length, begin + pageSize);
      return pageOf("events", eventsOf(begin, end), { begin, end });
    }
    return page(asked.before ?? null);
  };
  const eventsOf = (begin: number, end: number) =>
    Array.from({ length: end - begin }, (_, index) => event(begin + index + 1));
  const pageOf = (
    name: string,
    nodes: readonly SessionEvent[],
    { begin, end }: { begin: number; end: number },
  ) => {
    const pageInfo = { hasPreviousPage: begin > 0, startCursor: `e:${begin + 1}`, endCursor: `e:${end}` };
    const page = { nodes, pageInfo, head: `e:${length}`, reset: false };
    return { data: { session: { id: "s", key: "s", name: "s", [name]: page } } };
  };
  const live = {
    connection,
    unkept: {
      query: (_: unknown, asked: Parameters<typeof answer>[0]) => ({
        toPromise: () => {
          questions += 1;
          return Promise.resolve(answer(asked));
        },
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
    grow: (to: number) => (length = to),
    asked: () => questions,
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

test.each([0, 1, 2, 3, 4, 5, 6, 7, 8])(
  "left after %i steps of its loading, it asks for nothing more",
  async (steps) => {
    const { live, asked } = broker(1000, 20);
    const log = new SessionEvents(live, "s", { schedule, initial: 800 });
    for (let step = 0; step < steps; step += 1) await Promise.resolve();
    log.close();
    const before = asked();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(asked()).toBeLessThanOrEqual(before + 1);
  },
);

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

test("it opens at a place, and is read on from there in both directions", async () => {
  const { live, send } = broker(1000);
  const missing = (why: string) => expect.fail(why);
  const log = new SessionEvents(live, "s", { schedule, at: { cursor: "e:500", missing } });
  await expect.poll(() => log.tail.get().state).toBe("ready");
  expect([offsets(log)[0], offsets(log).at(-1)]).toEqual([491, 510]);
  expect(log.tail.get()).toMatchObject({ hasEarlier: true, hasLater: true });
  await log.loadEarlier();
  await log.loadLater();
  expect([offsets(log)[0], offsets(log).at(-1)]).toEqual([416, 585]);
  send(caughtUp(1000), event(1001));
  expect(offsets(log).at(-1)).toBe(585);
  log.close();
});

test("read on to the end, it follows again, and nothing is left out", async () => {
  const { live, send } = broker(1000);
  const missing = (why: string) => expect.fail(why);
  const log = new SessionEvents(live, "s", { schedule, at: { cursor: "e:900", missing } });
  await expect.poll(() => log.tail.get().state).toBe("ready");
  while (log.tail.get().hasLater) await log.loadLater();
  send(caughtUp(1000), event(1001));
  expect(offsets(log)).toEqual(Array.from({ length: 111 }, (_, index) => 891 + index));
  log.close();
});

test("of several places that are gone to, the last counts", async () => {
  const { live } = broker(1000);
  const log = new SessionEvents(live, "s", { schedule });
  await opened(log, 200);
  await Promise.all([log.goTo("e:300"), log.goTo("e:600")]);
  expect([offsets(log)[0], offsets(log).at(-1)]).toEqual([591, 610]);
  await log.goToEnd();
  expect([offsets(log).at(-1), log.tail.get().hasLater]).toEqual([1000, false]);
  log.close();
});

test("what happens on the way back to the end is not left out", async () => {
  const { live, send, grow } = broker(1000);
  const log = new SessionEvents(live, "s", { schedule });
  await opened(log, 200);
  await log.goTo("e:300");
  const back = log.goToEnd();
  grow(1001);
  send(caughtUp(1000), event(1001));
  await back;
  send(event(1002));
  expect(offsets(log).slice(-3)).toEqual([1000, 1001, 1002]);
  expect(log.tail.get().hasLater).toBe(false);
  log.close();
});

test("what is let go at the old end can be read again", async () => {
  const { live, send } = broker(5);
  const log = new SessionEvents(live, "s", { schedule, most: 10 });
  await opened(log, 5);
  expect(log.tail.get().hasEarlier).toBe(false);
  send(caughtUp(5), ...Array.from({ length: 20 }, (_, index) => event(6 + index)));
  expect(log.tail.get().hasEarlier).toBe(true);
  log.close();
});
