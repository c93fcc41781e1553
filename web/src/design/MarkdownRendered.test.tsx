// @vitest-environment jsdom
import { cleanup, render } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { MarkdownRendered } from "./MarkdownRendered";

afterEach(cleanup);

const html = (text: string) => render(<MarkdownRendered text={text} />).container.innerHTML;

test("an author's HTML stays text", () => {
  const shown = html('<img src=x onerror="alert(1)"> and <b>bold</b>\n\n<script>alert(1)</script>');
  expect(shown).not.toMatch(/<(img|script|b)[ >]/);
  expect(shown).toContain("&lt;script&gt;");
});

test("only links that lead somewhere harmless are links", () => {
  expect(html("[a](javascript:alert(1)) [b](data:text/html,x)")).not.toContain("href");
  expect(html("[a](https://example.com)")).toContain('href="https://example.com"');
});

test("pictures are not fetched", () => {
  expect(html("![chart](https://example.com/a.png)")).not.toContain("<img");
});

test("lists, code and tables are drawn", () => {
  const shown = html("- one\n- [x] two\n\n```py\nx = 1\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |");
  for (const element of ["<ul>", "<li", "<pre", "<table>"]) expect(shown).toContain(element);
});
