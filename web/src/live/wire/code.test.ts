import { expect, test, vi } from "vitest";
import { patiently } from "./code";

const failing = (times: number) => {
  const load = vi.fn(() => Promise.resolve("code"));
  for (let left = times; left > 0; left--) load.mockRejectedValueOnce(new Error("not fetched"));
  return load;
};

test("code is loaded once the broker answers", async () => {
  vi.useFakeTimers();
  const answers = vi.fn(() => Promise.resolve(true));
  answers.mockResolvedValueOnce(false).mockResolvedValueOnce(false);
  const load = failing(1);
  const loaded = patiently(load, answers)();
  await vi.advanceTimersByTimeAsync(1999);
  expect(load).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(await loaded).toBe("code");
  expect(load).toHaveBeenCalledTimes(2);
  vi.useRealTimers();
});

test("what a broker that answers does not have is an error, and nobody is asked about what is there", async () => {
  const answers = vi.fn(() => Promise.resolve(true));
  await expect(patiently(failing(2), answers)()).rejects.toThrow("not fetched");
  answers.mockClear();
  expect(await patiently(failing(0), answers)()).toBe("code");
  expect(answers).not.toHaveBeenCalled();
});
