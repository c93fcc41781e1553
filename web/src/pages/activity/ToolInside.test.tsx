// @vitest-environment jsdom
import { cleanup, render } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import type { ToolPart } from "./model/entries";
import { ToolInside } from "./ToolInside";

afterEach(cleanup);

const ESC = "\u001b";
const TOOL = {
  command: `printf ${ESC}[31mred`,
  cwd: "/project",
  input: null,
  changes: [],
  output: `1 test ${ESC}[31mFAILED${ESC}[0m`,
} as unknown as ToolPart;

test("what a program has printed has its colours, and a command shows what is hidden in it", () => {
  const { container } = render(<ToolInside tool={TOOL} />);
  const [command, output] = container.querySelectorAll("pre");
  expect(output?.textContent).toBe("1 test FAILED");
  expect(output?.querySelector(".ansi-red")?.textContent).toBe("FAILED");
  expect(command?.querySelector(".ansi-red")).toBeNull();
  expect(command?.textContent).toContain("[31mred");
  expect(command?.textContent).not.toBe(output?.textContent);
});
