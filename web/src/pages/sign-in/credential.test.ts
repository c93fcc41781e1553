import { expect, test } from "vitest";
import { credentialOf, destination, isShare } from "./credential";

test("a link carries a one-time code or a share's token", () => {
  expect(credentialOf("#abc")).toEqual({ code: "abc" });
  expect(credentialOf("#share=ot_live_x")).toEqual({ token: "ot_live_x" });
  expect(credentialOf("")).toBeNull();
  expect([isShare("share=ot_live_x"), isShare("#abc")]).toEqual([true, false]);
});

test("a link leads to a session of this broker and nowhere else", () => {
  expect(destination("/session/abc")).toBe("/session/abc");
  for (const elsewhere of [
    "//evil.example",
    "https://evil.example",
    "/session/../x?y",
    "/\\evil.example",
    undefined,
  ])
    expect(destination(elsewhere)).toBe("/");
});
