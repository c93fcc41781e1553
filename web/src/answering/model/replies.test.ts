import { describe, expect, it } from "vitest";
import { EMPTY, missing, replies, withChoice, withWords, type Prompt } from "./replies";

function prompt(changes: Partial<Prompt> = {}): Prompt {
  return {
    key: "db",
    header: "Database",
    text: "Which one?",
    choices: [
      { label: "SQLite", description: "one file" },
      { label: "Postgres", description: "" },
    ],
    multiSelect: false,
    freeText: true,
    secret: false,
    required: true,
    number: false,
    ...changes,
  };
}

describe("the answer to a prompt", () => {
  it("is one choice, which takes the place of another and of own words", () => {
    const one = withChoice(prompt(), withWords(prompt(), EMPTY, "MySQL"), "SQLite", true);
    expect(replies(one)).toEqual(["SQLite"]);
    expect(replies(withChoice(prompt(), one, "Postgres", true))).toEqual(["Postgres"]);
  });

  it("is own words, which take the place of a choice", () => {
    const chosen = withChoice(prompt(), EMPTY, "SQLite", true);
    expect(replies(withWords(prompt(), chosen, " MySQL "))).toEqual(["MySQL"]);
  });

  it("may be several choices and own words, in the order in which they are offered", () => {
    const several = prompt({ multiSelect: true });
    const both = withChoice(several, withChoice(several, EMPTY, "Postgres", true), "SQLite", true);
    expect(replies(withWords(several, both, "and more"))).toEqual(["SQLite", "Postgres", "and more"]);
    expect(replies(withChoice(several, both, "SQLite", false))).toEqual(["Postgres"]);
  });

  it("is missing where it is needed and nothing but blanks is there", () => {
    const optional = prompt({ key: "why", required: false });
    expect(missing([prompt(), optional], { db: withWords(prompt(), EMPTY, "  ") })).toEqual([prompt()]);
    expect(missing([prompt(), optional], { db: withChoice(prompt(), EMPTY, "SQLite", true) })).toEqual([]);
  });
});
