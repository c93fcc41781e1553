import { afterEach, expect, test, vi } from "vitest";
import type { SessionEvent, SessionItem } from "./events";
import type { Live, Listener } from "../wire/live";
import { LogFollower, NOTHING_YET, type Following } from "./logFollower";
import { event } from "./samples";

afterEach(() => void vi.useRealTimers());

/** A log of 200 events, of which pages can be read for as long as `answers`. */
function fixture() {
  const asked: (string | null)[] = [];
  const kept: number[] = [];
  const broker = { answers: true };
  let listener: Listener<{ sessionEvents: SessionItem }> | undefined;
  let variables: (() => { after: string | null }) | undefined;
  const page = (before: string | null, last: number) => {
    asked.push(before);
    if (!broker.answers) return {};
    const end = before === null ? 200 : Number(before.slice(2)) - 1;
    const nodes = Array.from({ length: last }, (_, index) => event(end - last + index + 1));
    return {
      data: {
        session: {
          events: {
            nodes,
            pageInfo: { hasPreviousPage: end > last, startCursor: nodes[0]?.cursor },
            head: "e:200",
          },
        },
      },
    };
  };
  const live = {
    unkept: {
      query: (_: unknown, { before, last }: { before: string | null; last: number }) => ({
        toPromise: () => Promise.resolve(page(before, last)),
      }),
    },
    subscribe: (_: unknown, ask: typeof variables, hears: typeof listener) => {
      [variables, listener] = [ask, hears];
      return () => (listener = undefined);
    },
  } as unknown as Live;
  let known: Following = NOTHING_YET;
  const keeper = {
    get oldest() {
      return kept[0] === undefined ? null : `e:${kept[0]}`;
    },
    prepend: (events: readonly SessionEvent[]) => kept.unshift(...events.map((one) => one.offset)),
    append: (one: SessionEvent) => kept.push(one.offset),
    reset: () => kept.splice(0),
    caughtUp: () => undefined,
    know: (change: Partial<Following>) => (known = { ...known, ...change }),
  };
  const follower = new LogFollower(live, "s", keeper, { filter: {}, firstPage: 2 });
  return {
    follower,
    broker,
    asked,
    kept,
    known: () => known,
    hear: (...items: SessionItem[]) => items.forEach((item) => listener?.next({ sessionEvents: item })),
    after: () => variables?.().after,
    isFollowing: () => listener !== undefined,
  };
}

test("it begins with what fills a screen, and each reconnect goes on behind the last event that came", async () => {
  const { follower, kept, hear, after } = fixture();
  await follower.open();
  expect(kept).toEqual([199, 200]);
  expect(after()).toBe("e:200");
  hear(event(201), event(202));
  expect(after()).toBe("e:202");
  hear({ __typename: "CaughtUp", head: "e:240" });
  expect(after()).toBe("e:240");
});

test("older events are asked for ahead of the oldest that is kept, one page at a time", async () => {
  const { follower, asked, kept } = fixture();
  await follower.open();
  await Promise.all([follower.loadEarlier(), follower.loadEarlier()]);
  expect(asked).toEqual([null, "e:199"]);
  expect([kept[0], kept.length]).toEqual([99, 102]);
});

test("who asks for older events while they are on their way waits for them", async () => {
  const { follower, kept } = fixture();
  await follower.open();
  void follower.loadEarlier();
  await follower.loadEarlier();
  expect(kept).toHaveLength(102);
});

test("a page that could not be read can be asked for again, each time after a longer wait", async () => {
  vi.useFakeTimers();
  const { follower, broker, asked, kept, known } = fixture();
  await follower.open();
  broker.answers = false;
  const tries = [follower.loadEarlier(), follower.loadEarlier()];
  await vi.advanceTimersByTimeAsync(200);
  expect(asked).toHaveLength(2);
  expect(known()).toMatchObject({ hasEarlier: true, loadingEarlier: true });
  await vi.advanceTimersByTimeAsync(300);
  await Promise.all(tries);
  expect(known()).toMatchObject({ state: "ready", hasEarlier: true, loadingEarlier: false });
  broker.answers = true;
  await follower.loadEarlier();
  expect(kept).toHaveLength(102);
});

test("a first page that cannot be read is asked for until it can, and then followed", async () => {
  vi.useFakeTimers();
  const { follower, broker, asked, kept, known, isFollowing } = fixture();
  broker.answers = false;
  const opening = follower.open();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(known().state).toBe("failed");
  expect(isFollowing()).toBe(false);
  expect(asked.length).toBeLessThan(6);
  broker.answers = true;
  await vi.advanceTimersByTimeAsync(8_000);
  await opening;
  expect(known().state).toBe("ready");
  expect(kept).toEqual([199, 200]);
  expect(isFollowing()).toBe(true);
});

test("what is closed while its first page cannot be read asks no more", async () => {
  vi.useFakeTimers();
  const { follower, broker, asked } = fixture();
  broker.answers = false;
  const opening = follower.open();
  await vi.advanceTimersByTimeAsync(100);
  follower.close();
  await vi.advanceTimersByTimeAsync(60_000);
  await opening;
  expect(asked).toHaveLength(1);
});

test("after history is gone it goes on from what is left", async () => {
  const { follower, kept, asked, hear } = fixture();
  await follower.open();
  hear({ __typename: "Reset", first: "e:150" }, event(180));
  expect(kept).toEqual([180]);
  await follower.loadEarlier();
  expect(asked.at(-1)).toBe("e:180");
});

test("older events do not join what the keeper shows instead of where they were asked for", async () => {
  const { follower, kept, known } = fixture();
  await follower.open();
  const asked = follower.loadEarlier();
  kept.splice(0, kept.length, 50, 51);
  follower.beginElsewhere({ hasEarlier: true });
  await asked;
  expect(kept).toEqual([50, 51]);
  expect(known()).toMatchObject({ hasEarlier: true, loadingEarlier: false });
});

test("what is closed is followed no longer", async () => {
  const { follower, isFollowing } = fixture();
  await follower.open();
  follower.close();
  expect(isFollowing()).toBe(false);
});
