// @vitest-environment jsdom
import { cleanup, render } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { Words } from "./Words";

afterEach(cleanup);

const shown = (text: string) => render(<Words text={text} />).container;
const commands = (text: string) => [...shown(text).querySelectorAll("code")].map((each) => each.textContent);

test("a command in a sentence is drawn as one, without its backticks", () => {
  const said = "`claude` was not found; run `relay-connect doctor` there";
  expect(shown(said).textContent).toBe("claude was not found; run relay-connect doctor there");
  expect(commands(said)).toEqual(["claude", "relay-connect doctor"]);
});

test("a backtick that closes nothing stays", () => {
  expect(shown("no ` is closed").textContent).toBe("no ` is closed");
  expect(commands("two `` are empty")).toEqual([]);
});

test("what hides in a command is seen", () => {
  expect(shown("run `rm\u200B x`").textContent).toBe("run rm‹U+200B› x");
});
