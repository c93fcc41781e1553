import { expect, it } from "vitest";
import { offered } from "./useAgentActions";

const ALL = new Set(["SEND", "SPAWN", "RELEASE"]);
type Known = Parameters<typeof offered>[0];
const ids = (agent: Omit<Known, "dismissed"> & Partial<Known>, permissions: ReadonlySet<string> = ALL) =>
  offered({ dismissed: false, ...agent }, permissions).map((one) => one.id);

it("interrupts only a running turn", () => {
  expect(ids({ state: "WORKING", ended: false })).toEqual(["interrupt", "release"]);
  expect(ids({ state: "IDLE", ended: false })).toEqual(["release"]);
});

it("resumes only who has ended, and ends nobody twice", () => {
  expect(ids({ state: "RELEASED", ended: true })).toEqual(["resume"]);
  expect(ids({ state: "RELEASING", ended: false })).toEqual([]);
});

it("dismisses only who has failed, and nobody twice", () => {
  expect(ids({ state: "FAILED", ended: true })).toEqual(["resume", "dismiss"]);
  expect(ids({ state: "FAILED", ended: true, dismissed: true })).toEqual(["resume"]);
});

it("interrupts for who may release, as the broker does", () => {
  expect(ids({ state: "WORKING", ended: false }, new Set(["SEND"]))).toEqual([]);
});

it("offers nothing to who may only look", () => {
  for (const state of ["WORKING", "FAILED"] as const)
    expect(ids({ state, ended: state === "FAILED" }, new Set(["READ"]))).toEqual([]);
});
