import { expect, test } from "vitest";
import { givenBy, ROLES, roleWords } from "./roles";

test("owners are made by owners, and by keys of the workspace", () => {
  expect(givenBy("OWNER", true)).toEqual(ROLES);
  expect(givenBy(null, false)).toEqual(ROLES);
  expect(givenBy("ADMIN", true).map(({ role }) => role)).toEqual(["ADMIN", "MEMBER", "VIEWER", "BILLING"]);
});

test("each role says what it may do", () => {
  for (const { role } of ROLES) expect(roleWords(role).means, role).not.toBe("");
});
