import { describe, expect, it } from "vitest";
import { seenPieces, seenText } from "./seen";

describe("what hides in a text", () => {
  it.each([
    ["rm /tmp/\u202egnp.exe\u202c", "rm /tmp/‹U+202E›gnp.exe‹U+202C›"],
    ["ls\u200b -la\u2028rm", "ls‹U+200B› -la‹U+2028›rm"],
    ["\u001b[2K a\rb", "‹U+001B›[2K a‹U+000D›b"],
    ["a\u200db \u3164 \u{e0041}", "a‹U+200D›b ‹U+3164› ‹U+E0041›"],
  ])("is drawn by name", (text, drawn) => {
    expect(seenText(text)).toBe(drawn);
  });

  it.each([
    ...["ls -la", "a\tb\nc", "naïve", "日本語", "עברית", "👩\u200d💻 ok", "✔\ufe0f", "1\ufe0f\u20e3"],
    ...["\u0645\u06cc\u200c\u062e\u0648", "\u0915\u094d\u200d\u0937", "\u845b\u{e0100}"],
    "\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
  ])("leaves %s as it is", (text) => {
    expect(seenPieces(text)).toEqual([{ text, hidden: false }]);
  });

  it("has nothing of an empty text", () => {
    expect(seenPieces("")).toEqual([]);
  });
});
