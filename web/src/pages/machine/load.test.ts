import { expect, test } from "vitest";
import { averages, policyMark, size, used } from "./load";

const GIB = 1024 ** 3;

test.each([
  [0, "0 B"],
  [1023, "1,023 B"],
  [1024, "1 KiB"],
  [1536 * 1024, "1.5 MiB"],
  [1024 ** 2 - 1, "1 MiB"],
  [15.6 * GIB, "15.6 GiB"],
  [512 * GIB, "512 GiB"],
])("writes %d bytes as %s", (bytes, words) => {
  expect(size(bytes)).toBe(words);
});

test("says how much is used, and never zero for what is not known", () => {
  expect(used(16 * GIB, 4 * GIB)).toBe("12 GiB of 16 GiB used (75 %)");
  expect(used(16 * GIB, 20 * GIB)).toBe("0 B of 16 GiB used (0 %)");
  expect(used(16 * GIB, null)).toBe("16 GiB, used: unknown");
  expect(used(null, null)).toBe("unknown");
});

test("says the load of one, five and fifteen minutes against the processors", () => {
  const told = { load1: 0.5, load5: 1, load15: 2.25, processors: 8 };
  expect(averages(told)).toBe("0.50 / 1.00 / 2.25 on 8 processors");
  expect(averages({ ...told, processors: 1 })).toBe("0.50 / 1.00 / 2.25 on 1 processor");
  expect(averages({ ...told, processors: null })).toBe("0.50 / 1.00 / 2.25");
  expect(averages({ ...told, load5: null })).toBe("unknown");
});

test("knows a policy by the first digits of its hash", () => {
  expect(policyMark("0123456789abcdef")).toBe("0123456789ab");
  expect(policyMark("none")).toBe("never changed");
  expect(policyMark(null)).toBe("unknown");
});
