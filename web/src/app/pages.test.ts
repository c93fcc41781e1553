import { expect, test } from "vitest";
import type { Overview } from "~/live/documents";
import { offeredPages, shutTitle } from "./pages";

const viewer = (...permissions: Overview["viewer"]["permissions"]) =>
  ({ permissions, sessionKey: null }) as unknown as Overview["viewer"];
const PAYS = viewer("METER", "BILL");
const LOOKS = viewer("READ", "READ_WORKSPACE", "METER");

test("who sees no sessions is told so on each page of sessions, and is offered none", () => {
  expect(["inbox", "logs", "workflows", "hooks"].map((first) => shutTitle(first, PAYS))).toEqual([
    "Needs you",
    "Logs",
    "Workflows",
    "Hooks",
  ]);
  expect(shutTitle("session", PAYS)).not.toBeNull();
  expect(offeredPages(PAYS).map(({ to }) => to)).toEqual(["/usage", "/settings"]);
});

test("what may be seen, or says itself who may, is not shut", () => {
  for (const first of ["inbox", "hooks", "session", "machine"]) expect(shutTitle(first, LOOKS)).toBeNull();
  for (const first of ["", "usage", "people", "audit"]) expect(shutTitle(first, PAYS)).toBeNull();
});
