import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const css = readFileSync(new URL("./tokens.css", import.meta.url), "utf8");

test.each([":root", '[data-theme="dark"]'])("code can be read on every ground of a diff in %s", (theme) => {
  const colours = coloursOf(theme);
  const code = [...colours.keys()].filter((name) => name === "text" || name.startsWith("syntax-"));
  const grounds = ["surface", "surface-raised", "code", "good-soft", "good-mark", "bad-soft", "bad-mark"];
  const faint = code.flatMap((name) =>
    grounds
      .map((ground) => ({ name, ground, ratio: contrast(colours.get(name), colours.get(ground)) }))
      .filter(({ ratio }) => ratio < 4.5),
  );
  expect(code).toHaveLength(7);
  expect(faint).toEqual([]);
});

function coloursOf(theme: string): Map<string, string> {
  const start = css.indexOf(`${theme} {`);
  const block = css.slice(start, css.indexOf("}", start));
  return new Map(
    [...block.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map(([, name = "", hex = ""]) => [name, hex]),
  );
}

/** As WCAG 2 counts it. */
function contrast(one = "", other = ""): number {
  const [light = 0, dark = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(hex: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5]
    .map((at) => parseInt(hex.slice(at, at + 2), 16) / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
