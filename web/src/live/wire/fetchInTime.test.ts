import { afterEach, expect, test, vi } from "vitest";
import { fetchInTime } from "./fetchInTime";

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** A broker that takes a request and never answers. */
function frozen() {
  const signals: AbortSignal[] = [];
  vi.stubGlobal("fetch", (_: string, { signal }: { signal: AbortSignal }) => {
    signals.push(signal);
    return new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("aborted"))));
  });
  return signals;
}

test("who asks a frozen broker is told so after half a minute", async () => {
  vi.useFakeTimers();
  frozen();
  const asked = expect(fetchInTime("/graphql")).rejects.toThrow("aborted");
  await vi.advanceTimersByTimeAsync(30_000);
  await asked;
});

test("who no longer wants an answer ends the request", async () => {
  const [signals, left] = [frozen(), new AbortController()];
  const asked = expect(fetchInTime("/graphql", { signal: left.signal })).rejects.toThrow("aborted");
  left.abort();
  await asked;
  expect(signals[0]?.aborted).toBe(true);
});

test("an answer in time is the answer, and nothing waits for it any more", async () => {
  vi.useFakeTimers();
  vi.stubGlobal("fetch", () => Promise.resolve(new Response("yes")));
  expect(await (await fetchInTime("/graphql")).text()).toBe("yes");
  expect(vi.getTimerCount()).toBe(0);
});
