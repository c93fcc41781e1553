// @vitest-environment jsdom
import { act, cleanup, renderHook } from "@testing-library/react";
import type { ReactNode } from "react";
import { Provider, type Client } from "urql";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { fromValue } from "wonka";
import { useTold } from "./useTold";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

const MACHINE = { __typename: "Proxy", id: "m1", policy: { strict: true }, load: null };

const SILENT = { error: new Error("the connection was lost") };

/** A broker that gives the answer `next`, and the page of a machine there. */
function opened(next: object = { data: { node: MACHINE } }) {
  const broker = { next, asked: 0 };
  const client = {
    executeQuery: () => {
      broker.asked += 1;
      return fromValue({ stale: false, hasNext: false, ...broker.next });
    },
  } as unknown as Client;
  const page = renderHook(({ since }) => useTold("m1", since), {
    initialProps: { since: "10:00" },
    wrapper: ({ children }: { children: ReactNode }) => <Provider value={client}>{children}</Provider>,
  });
  return { broker, page, wait: (ms: number) => void act(() => vi.advanceTimersByTime(ms)) };
}

test("what a machine told stays while the broker does not answer", () => {
  const { broker, page, wait } = opened();
  expect(page.result.current.found).toEqual(MACHINE);
  broker.next = SILENT;
  wait(30_000);
  expect(broker.asked).toBeGreaterThan(1);
  expect(page.result.current.found).toEqual(MACHINE);
});

test("it is asked anew soon after the machine came back", () => {
  const { broker, page, wait } = opened();
  wait(5000);
  broker.next = { data: { node: { ...MACHINE, policy: { strict: false } } } };
  page.rerender({ since: "10:05" });
  wait(2000);
  expect(page.result.current.found).toMatchObject({ policy: { strict: false } });
});

test("nothing is made up of a machine that was never answered for", () => {
  expect(opened(SILENT).page.result.current).toEqual({ found: null, waits: false });
});
