import { expect, test } from "vitest";
import { ConnectionTruth } from "./connection";

function fixture() {
  const clock = {
    ms: 1000,
    pending: [] as { at: number; run: () => void }[],
    now: () => clock.ms,
    later: (run: () => void, ms: number) => {
      const entry = { at: clock.ms + ms, run };
      clock.pending.push(entry);
      return () => void (clock.pending = clock.pending.filter((p) => p !== entry));
    },
    pass: (ms: number) => {
      clock.ms += ms;
      clock.pending.filter((p) => p.at <= clock.ms).forEach((p) => p.run());
    },
  };
  return { clock, truth: new ConnectionTruth({ clock, random: () => 1 }) };
}

test("a lost connection says when it comes back, and comes back then", async () => {
  const { clock, truth } = fixture();
  truth.connected();
  expect(truth.closed(1006, "")).toBe(true);
  expect(truth.state.get().state).toBe("connecting");
  const next = truth.untilNextAttempt();
  expect(truth.state.get()).toMatchObject({ state: "reconnecting", retryAt: 1500 });
  clock.pass(500);
  await next;
  expect(truth.state.get().state).toBe("connecting");
  truth.connected();
  expect(truth.state.get().state).toBe("live");
});

test.each([
  [4499, "a socket that went silent"],
  [4504, "a broker that accepted too late"],
])("what the client itself closes with %i, it comes back from: %s", (code) => {
  const { truth } = fixture();
  truth.connected();
  expect(truth.closed(code, "Connection acknowledgement timeout")).toBe(true);
  void truth.untilNextAttempt();
  expect(truth.state.get()).toMatchObject({
    state: "reconnecting",
    because: "the broker stopped responding",
  });
});

test("a person who does not want to wait need not", async () => {
  const { clock, truth } = fixture();
  truth.closed(1006, "");
  const next = truth.untilNextAttempt();
  truth.retry();
  await next;
  expect(clock.pending).toEqual([]);
});

test("without a network it is tried when that is back", async () => {
  const { clock, truth } = fixture();
  truth.network(false);
  truth.closed(1006, "");
  const next = truth.untilNextAttempt();
  expect(truth.state.get().state).toBe("offline");
  truth.network(true);
  await next;
  expect(truth.state.get().state).toBe("connecting");
  expect(clock.pending).toEqual([]);
});

test("without a network it is tried now and then: a broker on this machine needs none", async () => {
  const { clock, truth } = fixture();
  truth.connected();
  truth.closed(1006, "");
  const next = truth.untilNextAttempt();
  truth.network(false);
  expect(truth.state.get().state).toBe("offline");
  clock.pass(500);
  await next;
  const later = truth.untilNextAttempt();
  expect(truth.state.get().state).toBe("offline");
  clock.pass(8000);
  await later;
  truth.connected();
  expect(truth.state.get().state).toBe("live");
});

test("a refused credential ends it", () => {
  const { truth } = fixture();
  truth.connected();
  expect(truth.closed(4401, "")).toBe(false);
  expect(truth.state.get()).toEqual({ state: "signed-out", because: "You are signed out." });
});

test("a reader that was too slow comes back, and goes on where it stopped", () => {
  const { truth } = fixture();
  truth.connected();
  expect(truth.closed(4508, "what was sent was not read in time")).toBe(true);
  expect(truth.state.get().state).toBe("connecting");
});

test("what the broker ends for good is not asked for again", () => {
  const { truth } = fixture();
  truth.connected();
  expect(truth.closed(4400, "the message is not JSON")).toBe(false);
  expect(truth.state.get()).toEqual({ state: "ended", because: "the message is not JSON" });
});

test("waits grow while nothing answers, and start small again after success", async () => {
  const { clock, truth } = fixture();
  const waited = async () => {
    const next = truth.untilNextAttempt();
    const state = truth.state.get();
    const wait = state.state === "reconnecting" ? state.retryAt - clock.now() : NaN;
    clock.pass(wait);
    await next;
    return wait;
  };
  expect([await waited(), await waited(), await waited()]).toEqual([500, 1000, 2000]);
  truth.connected();
  expect(await waited()).toBe(500);
});
