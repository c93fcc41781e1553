import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ConnectionTruth } from "./wire/connection";
import { VIEWER } from "./documents";
import type { Live } from "./wire/live";
import { Store } from "./wire/store";
import { Workspace } from "./workspace";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** A browser that was here with such permissions. */
function remember(...permissions: string[]): Map<string, string> {
  const kept = new Map([["relaycast.may", permissions.join(" ")]]);
  vi.stubGlobal("localStorage", {
    getItem: (name: string) => kept.get(name) ?? null,
    setItem: (name: string, value: string) => kept.set(name, value),
    removeItem: (name: string) => kept.delete(name),
  });
  return kept;
}

const ALL = ["READ", "READ_WORKSPACE"];

/** A broker that answers as long as `answers`, or after so many questions. */
function broker({ failures = 0, permissions = ALL }: { failures?: number; permissions?: string[] } = {}) {
  const said = { permissions };
  const asked: string[] = [];
  const shown: { machines: boolean; sessions: boolean }[] = [];
  let followed = 0;
  let ended = 0;
  const connection = new ConnectionTruth();
  const accessChanges = new Store(0);
  const viewer = () => ({ permissions: said.permissions, sessionKey: null });
  const query = (document: unknown, variables: (typeof shown)[number]) => ({
    toPromise: () => {
      asked.push(document === VIEWER ? "viewer" : "overview");
      if (asked.length <= failures) return Promise.resolve({ error: undefined });
      if (document === VIEWER) return Promise.resolve({ data: { viewer: viewer() } });
      shown.push(variables);
      return Promise.resolve({ data: { viewer: viewer(), workspace: { id: "w" } } });
    },
  });
  const subscribe = () => {
    followed += 1;
    return () => void (ended += 1);
  };
  const live = { connection, accessChanges, queries: { query }, subscribe } as unknown as Live;
  return {
    live,
    asked,
    shown,
    said,
    connection,
    accessChanges,
    followed: () => followed,
    ended: () => ended,
  };
}

test.each([0, 1, 2, 3, 4, 5])(
  "when the first %i questions fail, agents and what needs a person are followed all the same, once",
  async (failures) => {
    const { live, followed } = broker({ failures });
    const workspace = new Workspace(live);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(followed()).toBe(3);
    expect(workspace.overview.get().state).toBe("ready");
  },
);

test("agents are followed while the overview is on its way", async () => {
  const { live, asked, followed } = broker();
  new Workspace(live);
  await vi.advanceTimersByTimeAsync(0);
  expect(asked).toEqual(["viewer", "overview"]);
  expect(followed()).toBe(3);
});

test("whoever is back is asked nothing first: all is asked for at once, as they were allowed to see it", async () => {
  const { live, asked, shown, followed } = broker();
  remember(...ALL);
  const workspace = new Workspace(live);
  expect(asked).toEqual(["overview"]);
  expect(followed()).toBe(3);
  await vi.advanceTimersByTimeAsync(0);
  expect(asked).toEqual(["overview"]);
  expect(shown).toEqual([{ machines: true, sessions: true }]);
  expect(workspace.overview.get().state).toBe("ready");
});

test.each([
  ["less", ["READ"], ALL],
  ["more", ALL, ["READ"]],
])("who is allowed to %s by now begins as on a first visit", async (_, permissions, before) => {
  const { live, asked, shown, followed, ended } = broker({ permissions });
  const kept = remember(...before);
  const workspace = new Workspace(live);
  await vi.advanceTimersByTimeAsync(0);
  expect(asked).toEqual(["overview", "viewer", "overview"]);
  expect(shown.at(-1)).toEqual({ machines: permissions === ALL, sessions: true });
  expect([followed(), ended()]).toEqual([6, 3]);
  expect(workspace.overview.get().state).toBe("ready");
  expect(kept.get("relaycast.may")).toBe(permissions.join(" "));
});

test("what was remembered is of no use where the broker does not answer: it is asked as ever", async () => {
  const { live, asked } = broker({ failures: 1 });
  remember(...ALL);
  const workspace = new Workspace(live);
  await vi.advanceTimersByTimeAsync(0);
  expect(asked).toEqual(["overview", "viewer", "overview"]);
  expect(workspace.overview.get().state).toBe("ready");
});

test("what the viewer may do is asked for again when it has changed, and not before", async () => {
  const { live, asked, shown, said, accessChanges, connection, followed } = broker({ permissions: [] });
  const workspace = new Workspace(live);
  await vi.advanceTimersByTimeAsync(0);
  expect(workspace.agents.get()).toEqual({ state: "ready", value: [] });
  connection.connected();
  await vi.advanceTimersByTimeAsync(500);
  expect(asked).toEqual(["viewer", "overview", "overview"]);
  said.permissions = ALL;
  accessChanges.set(1);
  await vi.advanceTimersByTimeAsync(500);
  expect(shown.at(-1)).toEqual({ machines: true, sessions: true });
  expect(followed()).toBe(3);
});

test("what changes while the viewer is asked for, or while the socket is away, is asked for again", async () => {
  const { live, shown, said, accessChanges, connection } = broker({ permissions: [] });
  new Workspace(live);
  said.permissions = ALL;
  accessChanges.set(1);
  await vi.advanceTimersByTimeAsync(500);
  expect(shown.at(-1)).toEqual({ machines: true, sessions: true });
  connection.connected();
  await vi.advanceTimersByTimeAsync(500);
  connection.closed(1006, "");
  said.permissions = ["READ"];
  connection.connected();
  await vi.advanceTimersByTimeAsync(500);
  expect(shown.at(-1)).toEqual({ machines: false, sessions: true });
});

test("what could not be read is asked for at once when the socket is there again", async () => {
  const { live, asked, connection } = broker({ failures: 12 });
  new Workspace(live);
  await vi.advanceTimersByTimeAsync(8_000);
  const before = asked.length;
  connection.connected();
  await vi.advanceTimersByTimeAsync(400);
  expect(asked.length).toBeGreaterThan(before);
});

test("whoever is signed out asks no more", async () => {
  const { live, asked, connection } = broker({ failures: Infinity });
  const workspace = new Workspace(live);
  connection.signedOut("signed out");
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked).toEqual(["viewer", "overview"]);
  expect(workspace.overview.get().state).toBe("failed");
});
