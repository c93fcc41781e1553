import { expect, test } from "vitest";
import { whose } from "./whose";

const OURS = { ownerName: null, ownerKey: null, orphaned: false, adoption: null };

test("says whose a machine is", () => {
  expect(whose(OURS)).toBe("owned by the workspace");
  expect(whose({ ...OURS, ownerKey: "1", ownerName: "Ann" })).toBe("owned by Ann");
  expect(whose({ ...OURS, ownerKey: "1" })).toBe("owned by a member");
});

test("says that its owner was removed, and that somebody has adopted it", () => {
  const left = { ...OURS, ownerKey: "1", orphaned: true };
  expect(whose(left)).toBe("owner removed");
  expect(whose({ ...left, adoption: { byKey: null } })).toBe("adopted, not linked again yet");
});
