import { describe, expect, it } from "vitest";
import { addressed, completions, usualAddressee } from "./addressing";

describe("the address at the beginning of a text", () => {
  it.each([
    ["@Backend fix the build", "Backend", "fix the build"],
    ["@Backend: fix it", "Backend", "fix it"],
    ["#api we are done", "#api", "we are done"],
    ["@all stop", "*", "stop"],
    ["@Everyone stop", "*", "stop"],
    ["no address here", "Lead", "no address here"],
    ["mail me@example.org", "Lead", "mail me@example.org"],
    ["#Heading is no channel", "Lead", "#Heading is no channel"],
    ["  @a.b-c_d  go ", "a.b-c_d", "go"],
    ["@Backend", "Backend", ""],
  ])("%s", (typed, to, text) => {
    expect(addressed(typed, "Lead")).toEqual({ to, text });
  });
});

describe("completing a name", () => {
  it("offers who begins so, whatever the case, and everybody", () => {
    expect(completions("@b", ["Backend", "Frontend", "bot"])).toEqual(["Backend", "bot"]);
    expect(completions("@", ["Lead"])).toEqual(["Lead", "all"]);
  });

  it("stays silent once the text goes on", () => {
    expect(completions("@Backend fix", ["Backend"])).toEqual([]);
    expect(completions("hello", ["hello"])).toEqual([]);
  });
});

describe("who is written to when nobody is named", () => {
  it.each([
    [null, ["Lead", "Docs"], "Lead"],
    ["Docs", ["Lead", "Docs"], "Docs"],
    ["Gone", ["Lead", "Docs"], "Lead"],
    ["#api", ["Lead", "Docs"], "#api"],
    ["*", ["Lead", "Docs"], "Lead"],
    [null, [], "*"],
  ])("after %s, of %j: %s", (last, living, to) => {
    expect(usualAddressee(last, living)).toBe(to);
  });
});
