// @vitest-environment jsdom
import { cleanup, render } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import { MarkdownRendered } from "./MarkdownRendered";

afterEach(cleanup);
// jsdom has none; whatever is drawn is far away here.
vi.stubGlobal(
  "IntersectionObserver",
  class {
    observe = () => undefined;
    disconnect = () => undefined;
  },
);

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

test("a picture that is in the text is drawn, if it is one and not too large", () => {
  const png = "data:image/png;base64,iVBORw0KGgo=";
  expect(html(`![red dot](${png})`)).toContain(`<img alt="red dot" src="${png}">`);
  for (const other of [
    "data:image/svg+xml;base64,iVBORw0KGgo=",
    "data:text/html;base64,iVBORw0KGgo=",
    `data:image/png;base64,${"A".repeat(400_001)}`,
  ])
    expect(html(`![red dot](${other})`)).not.toContain("<img");
});

test("a link whose words are another address says where it leads", () => {
  expect(html("[https://bank.example](https://evil.example/x)")).toContain("(evil.example)");
  expect(html("[evil.example](https://evil.example/x) [the bank](https://evil.example)")).not.toContain("(");
});

test("code has its language and a button that copies it; the lines of a diff are told apart", () => {
  const view = render(<MarkdownRendered text={"```python title=x\nx = 1\n```"} />);
  expect(view.container.querySelector("figcaption")?.textContent).toBe("python");
  expect(view.getByRole("button", { name: "Copy code" })).toBeTruthy();
  expect(html("```diff\n-old\n+new\n```")).toMatch(/text-bad.*-old.*text-good.*\+new/);
});

test("what a line begins with stays, as code is pasted without a fence", () => {
  expect(html("def f():\n    return x")).toContain("    return x");
});

test("lists, code and tables are drawn", () => {
  const shown = html("- one\n- [x] two\n\n```py\nx = 1\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |");
  for (const element of ["<ul>", "<li", "<pre", "<table>"]) expect(shown).toContain(element);
});
