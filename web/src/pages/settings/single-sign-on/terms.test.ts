import { expect, test } from "vitest";
import type { Provider } from "./documents";
import { draftOf, fieldOf, inputOf, PRESETS } from "./terms";

const KEPT: Provider = {
  key: "p1",
  issuer: "https://id.example.com",
  clientId: "relaycast",
  secret: "idp",
  domains: ["example.com", "example.org"],
  joinsAs: "VIEWER",
  required: true,
  hours: 8,
};

test("what is kept is shown, and sent as it was when nothing is changed", () => {
  expect({ ...inputOf(draftOf(KEPT)), key: KEPT.key }).toEqual(KEPT);
});

test("a form that was left as it began lets nobody new in, for twelve hours at a time", () => {
  expect(inputOf(draftOf(null))).toEqual({
    issuer: "",
    clientId: "",
    secret: null,
    domains: [],
    joinsAs: null,
    required: false,
    hours: 12,
  });
});

test("domains are apart by whatever people type between them", () => {
  const typed = {
    ...draftOf(null),
    issuer: " https://id.example.com ",
    domains: " a.com,b.com;\n@c.com  d.com ",
  };
  expect(inputOf(typed).domains).toEqual(["a.com", "b.com", "@c.com", "d.com"]);
  expect(inputOf(typed).issuer).toBe("https://id.example.com");
});

test("a refusal stands beside the field that it names", () => {
  expect(fieldOf("INVALID_ARGUMENT", "issuer: an issuer has no ?")).toBe("issuer");
  expect(fieldOf("INVALID_ARGUMENT", "client_id: 1 to 255 printable")).toBe("clientId");
  expect(fieldOf("INVALID_ARGUMENT", "domains: 'x' is no domain")).toBe("domains");
  expect(fieldOf("INVALID_ARGUMENT", "hours: 1 to 720")).toBe("hours");
  expect(fieldOf("SECRET_NOT_FOUND", "there is no secret 'x'")).toBe("secret");
  for (const other of ["constructor: x", "toString: x", "id.example.com: refused", "no colon"])
    expect(fieldOf("OUTBOUND_FAILED", other), other).toBeNull();
});

test("presets are issuers of https, without a query, and say what is to be replaced", () => {
  for (const { issuer } of PRESETS) expect(issuer).toMatch(/^https:\/\/[\w./-]+$/);
  expect(PRESETS.filter(({ issuer }) => !/[A-Z]{4}/.test(issuer)).map(({ name }) => name)).toEqual([
    "Google",
  ]);
});
