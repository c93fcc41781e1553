import { expect, test } from "vitest";
import { withoutMarks } from "./marks";

test.each([
  ["| types | clean |", "types · clean"],
  ["| types | clean", "types · clean"],
  ["## Review of `charge()`", "Review of charge()"],
  ["> - [x] the **retry** logic is right", "the retry logic is right"],
  ["1. ~~first~~ second", "1. first second"],
])("a line of Markdown is shown by its words: %s", (line, words) => {
  expect(withoutMarks(line)).toBe(words);
});

test.each(["2 * 3 ** 4", "a_b__c", "O │ X │ X", "-v is no item", "a || b", "", "#hash"])(
  "what is no mark stays: %s",
  (line) => {
    expect(withoutMarks(line)).toBe(line);
  },
);
