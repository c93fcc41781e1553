import { expect, test } from "vitest";
import { readAddress } from "./address";
import { pageIn, slugOf, whyRefused } from "./singleSignOn";
import * as texts from "~/texts";

test("the workspace is the first that may be one", () => {
  expect(slugOf("acme", "other")).toBe("acme");
  expect(slugOf(undefined, null, "other")).toBe("other");
  for (const none of ["", "Acme", "-acme", "acme-", "a b", "../x", "a".repeat(41)])
    expect(slugOf(none, "other"), none).toBe("other");
  expect(slugOf("a".repeat(40))).toBe("a".repeat(40));
  expect(slugOf(null)).toBe("");
});

test("an address says which workspace, and why it was refused", () => {
  expect(readAddress({ workspace: "acme", refused: "SUSPENDED", more: 1 })).toEqual({
    workspace: "acme",
    refused: "SUSPENDED",
  });
  expect(readAddress({ workspace: 2024, refused: ["x"], to: 1, then: 2 })).toEqual({ workspace: "2024" });
});

test("somebody who was refused reads what to do, and nothing that an address says", () => {
  expect(whyRefused("SUSPENDED")).toBe(texts.singleSignOnRefused.byCode.SUSPENDED);
  expect(whyRefused("OUTBOUND_TIMEOUT")).toBe(texts.singleSignOnRefused.notReached);
  for (const unknown of ["", "constructor", "__proto__", "Call 0800 1234", "suspended"])
    expect(whyRefused(unknown), unknown).toBe(texts.singleSignOnRefused.otherwise);
});

test("whoever comes back is led to where they were in that workspace", () => {
  expect(pageIn("acme", undefined, "/logs?q=failed:true")).toBe("/w/acme/logs?q=failed:true");
  expect(pageIn("acme", undefined, "/logs?q=a\\b")).toBe("/w/acme/logs?q=a%5Cb");
  expect(pageIn("acme", undefined, null)).toBeNull();
  expect(pageIn("acme", undefined, `/logs?q=${"x".repeat(500)}`)).toBeNull();
});

test("whoever tries again still is, and by no address to another workspace or host", () => {
  expect(pageIn("acme", "/w/acme/rules", "/logs")).toBe("/w/acme/rules");
  for (const elsewhere of ["/w/other/", "//evil.example", "https://evil.example", "/w/acme.evil/"])
    expect(pageIn("acme", elsewhere, null), elsewhere).toBeNull();
});
