import { expect, it } from "vitest";
import { offered } from "./useAgentActions";

const ALL = new Set(["SEND", "SPAWN", "RELEASE"]);
const ids = (agent: Parameters<typeof offered>[0], permissions: ReadonlySet<string> = ALL) =>
  offered(agent, permissions).map((one) => one.id);

it("interrupts only a running turn", () => {
  expect(ids({ state: "WORKING", ended: false })).toEqual(["interrupt", "release"]);
  expect(ids({ state: "IDLE", ended: false })).toEqual(["release"]);
});

it("resumes only who has ended, and ends nobody twice", () => {
  expect(ids({ state: "FAILED", ended: true })).toEqual(["resume"]);
  expect(ids({ state: "RELEASING", ended: false })).toEqual([]);
});

it("interrupts for who may release, as the broker does", () => {
  expect(ids({ state: "WORKING", ended: false }, new Set(["SEND"]))).toEqual([]);
});

it("offers nothing to who may only look", () => {
  expect(ids({ state: "WORKING", ended: false }, new Set(["READ"]))).toEqual([]);
});
