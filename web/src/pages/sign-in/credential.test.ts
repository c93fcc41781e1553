import { expect, test } from "vitest";
import { credentialOf, destination, isShare } from "./credential";

const CODE = `oc_live_${"c".repeat(32)}`;
const INVITED = `iv_live_${"i".repeat(32)}`;
const SHARED = `ot_live_${"s".repeat(43)}`;

test("a link carries a one-time code or a share's token", () => {
  expect(credentialOf(`#${CODE}`)).toEqual({ kind: "code", secret: CODE });
  expect(credentialOf(`#share=${SHARED}`)).toEqual({ kind: "share", secret: SHARED });
  expect(credentialOf(`#share%3D${SHARED}%20`)).toEqual({ kind: "share", secret: SHARED });
  expect(credentialOf(`#${INVITED}`)).toEqual({ kind: "invitation", secret: INVITED });
  expect(credentialOf("")).toBeNull();
});

test("whatever else a link carries is no whole link", () => {
  const cut = CODE.slice(0, -1);
  for (const hash of [
    "100%",
    "%",
    "%ff",
    "x",
    "share",
    "share=",
    `share=${CODE}`,
    SHARED,
    cut,
    `${CODE}.`,
    `${CODE}x`,
    INVITED.slice(0, -1),
  ])
    expect(credentialOf(`#${hash}`), hash).toEqual({ kind: "mangled" });
});

test("what is left of a share link is known for one", () => {
  for (const hash of ["#share=x", "share=x", "#share%3Dx", "#share", "#share=100%"])
    expect(isShare(hash), hash).toBe(true);
  for (const hash of ["", "#abc", "#shared", "#100%"]) expect(isShare(hash), hash).toBe(false);
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
