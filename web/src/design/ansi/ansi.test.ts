import { expect, test } from "vitest";
import { runs } from "./ansi";
import { withoutEscapes } from "./escapes";

test("colours of terminals become names, and what moves cursors is left out", () => {
  expect(runs("plain <b>")).toEqual([{ text: "plain <b>", look: "" }]);
  expect(runs("\u001b[2K\u001b[1;31mred <b>\u001b[0m end")).toEqual([
    { text: "red <b>", look: "ansi-red ansi-bold" },
    { text: " end", look: "" },
  ]);
  expect(runs("10 %\r100 %\r\ndone")).toEqual([{ text: "10 %\n100 %\ndone", look: "" }]);
});

test("without colours, of a terminal's link its words are left", () => {
  const link = "\u001b]8;;https://evil.example\u001b\\words\u001b]8;;\u001b\\";
  expect(withoutEscapes(`\u001b[31mFAILED\u001b[0m see ${link}`)).toBe("FAILED see words");
  expect(withoutEscapes("\u001bq")).toBe("\u001bq");
});
