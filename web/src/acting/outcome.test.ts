import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { unshown } from "~/app/toast";
import type { Agent } from "~/live/documents";
import { Store } from "~/live/wire/store";
import type { Loading } from "~/live/workspace";
import { outcomeOf, tellStart } from "./outcome";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  unshown.set([]);
  vi.useRealTimers();
});

test("a start is open until its own process is seen to run or to fail", () => {
  expect(outcomeOf(undefined, 1)).toBe("open");
  expect(outcomeOf({ state: "FAILED", generation: 1 }, 2)).toBe("open");
  expect(outcomeOf({ state: "STARTING", generation: 2 }, 2)).toBe("open");
  expect(outcomeOf({ state: "IDLE", generation: 2 }, 2)).toBe("runs");
  expect(outcomeOf({ state: "WORKING", generation: 3 }, 2)).toBe("runs");
  expect(outcomeOf({ state: "FAILED", generation: 2 }, 2)).toBe("failed");
  expect(outcomeOf({ state: "RELEASED", generation: 2 }, 2)).toBe("ended");
});

function followed(...agents: object[]): Loading<readonly Agent[]> {
  return { state: "ready", value: agents as Agent[] };
}

const start = { key: "1", name: "Victim", generation: 2 };

test("a failure is told with why, and no success before it", () => {
  const agents = new Store<Loading<readonly Agent[]>>(
    followed({ key: "1", state: "FAILED", generation: 1, reason: "exited" }),
  );
  tellStart(agents, start);
  agents.set(followed({ key: "1", state: "STARTING", generation: 2 }));
  expect(unshown.get()).toEqual([]);
  agents.set(followed({ key: "1", state: "FAILED", generation: 2, reason: "RESUME_FAILED", detail: "gone" }));
  agents.set(followed({ key: "1", state: "IDLE", generation: 3 }));
  expect(unshown.get()).toEqual([
    {
      title: "Victim did not start",
      description: "its conversation could not be taken up again: gone",
      failed: true,
    },
  ]);
});

test("a success is told when it has happened, and nothing of one that was given up", () => {
  const agents = new Store<Loading<readonly Agent[]>>({ state: "loading" });
  tellStart(agents, start);
  tellStart(agents, { ...start, key: "2" });
  agents.set(followed({ key: "1", state: "IDLE", generation: 2 }));
  vi.runAllTimers();
  agents.set(followed({ key: "2", state: "IDLE", generation: 2 }));
  expect(unshown.get()).toEqual([{ title: "Victim is running", failed: false }]);
});
