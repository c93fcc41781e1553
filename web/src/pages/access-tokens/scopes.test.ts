import { describe, expect, it } from "vitest";
import { ending, givenScopes, scopeWords } from "./scopes";

describe("scopes of tokens", () => {
  it("offers what the viewer may do, and nothing else", () => {
    const offered = (...may: string[]) => givenScopes(new Set(may)).map(({ scope }) => scope);
    expect(offered("READ", "READ_WORKSPACE", "METER")).toEqual(["READ"]);
    expect(offered("METER", "BILL")).toEqual([]);
    expect(offered("READ", "SEND", "SPAWN", "APPROVE", "ADMINISTER")).toHaveLength(5);
  });

  it("names scopes in one order", () => {
    expect(scopeWords(["APPROVE", "READ"])).toBe("Read, Approve");
  });

  it("says when a token is about to end", () => {
    const now = Date.parse("2026-01-01T00:00:00Z");
    expect(ending(null, now)).toBe("never");
    expect(ending("2026-01-03T00:00:00Z", now)).toBe("soon");
    expect(ending("2026-02-03T00:00:00Z", now)).toBe("later");
  });
});
