import { expect, test } from "vitest";
import { mayStop, placeOf } from "./stopping";

const SESSION = { scope: "SESSION", ofKey: "s" } as const;
const MACHINE = { scope: "MACHINE", ofKey: "m" } as const;
const WORKSPACE = { scope: "WORKSPACE", ofKey: null } as const;
const who = (permissions: string[], machines: string[] = []) => ({
  permissions: new Set(permissions),
  machines: new Set(machines),
});

test("who works in a session stops it", () => {
  expect(mayStop(SESSION, who(["READ", "SEND", "RELEASE"]))).toBe(true);
  expect(mayStop(SESSION, who(["READ"]))).toBe(false);
});

test("a machine is stopped by its owner and by administrators, the workspace by these alone", () => {
  expect(mayStop(MACHINE, who(["SEND", "RELEASE"]))).toBe(false);
  expect(mayStop(MACHINE, who(["SEND", "RELEASE"], ["m"]))).toBe(true);
  expect(mayStop(MACHINE, who(["ADMINISTER"]))).toBe(true);
  expect(mayStop(WORKSPACE, who(["SEND", "RELEASE"], ["m"]))).toBe(false);
  expect(mayStop(WORKSPACE, who(["ADMINISTER"]))).toBe(true);
});

test("exactly one place is named", () => {
  expect(placeOf({ ...MACHINE, name: "box" })).toEqual({ session: null, proxy: "m", workspace: false });
  expect(placeOf({ ...WORKSPACE, name: "" }).workspace).toBe(true);
});
