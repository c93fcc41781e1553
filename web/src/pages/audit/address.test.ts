import { expect, test } from "vitest";
import { readAddress } from "./address";

test("an address keeps what it understands, and nothing else", () => {
  expect(readAddress({ act: "member.", by: "m1", on: 7, upTo: "12", other: "x" })).toEqual({
    act: "member.",
    by: "m1",
    on: "7",
    upTo: 12,
  });
  expect(readAddress({ act: "", by: null, upTo: "-1" })).toEqual({});
});
