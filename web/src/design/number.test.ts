import { expect, test } from "vitest";
import { compact, grouped, money } from "./number";

test("thousands are set apart", () => {
  expect([0, 999, 1000, 12_345, 1_234_567].map(grouped)).toEqual([
    "0",
    "999",
    "1,000",
    "12,345",
    "1,234,567",
  ]);
});

test("large counts are told in one unit", () => {
  const told = [0, 999, 1000, 1234, 34_000_000, 999_999, 2_500_000_000].map(compact);
  expect(told).toEqual(["0", "999", "1K", "1.2K", "34M", "1M", "2.5B"]);
});

test("money has cents, and what is less than ten of them two digits that matter", () => {
  const told = [0, 1.2, 1234, 0.1, 0.0042, 0.00000042].map(money);
  expect(told).toEqual(["$0.00", "$1.20", "$1,234.00", "$0.10", "$0.0042", "$4.2e-7"]);
});
