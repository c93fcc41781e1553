import { afterEach, expect, test, vi } from "vitest";
import { ask, askAhead } from "./ask";

afterEach(() => void vi.unstubAllGlobals());

test("the first to ask for what was asked ahead is given that answer, the next a fresh one", async () => {
  const fetch = vi.fn(() => Promise.resolve(Response.json({ data: { asked: fetch.mock.calls.length } })));
  vi.stubGlobal("fetch", fetch);
  askAhead("/v1/plan");
  expect(await ask("/v1/billing")).toEqual({ value: { asked: 2 } });
  expect(await ask("/v1/plan")).toEqual({ value: { asked: 1 } });
  expect(await ask("/v1/plan")).toEqual({ value: { asked: 3 } });
});

test("an answer that has waited too long is asked for again", async () => {
  const fetch = vi.fn(() => Promise.resolve(Response.json({ data: { asked: fetch.mock.calls.length } })));
  vi.stubGlobal("fetch", fetch);
  vi.useFakeTimers();
  try {
    askAhead("/v1/plan");
    vi.setSystemTime(Date.now() + 60_000);
    expect(await ask("/v1/plan")).toEqual({ value: { asked: 2 } });
  } finally {
    vi.useRealTimers();
  }
});
