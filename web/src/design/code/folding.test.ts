import { expect, test } from "vitest";
import { folded, growing } from "./folding";

const lines = (count: number) => Array.from({ length: count }, (_, line) => `line ${line}`).join("\n");

test("what is short stands there whole", () => {
  expect(folded(lines(60))).toBeNull();
  expect(growing(lines(60))).toBeNull();
});

test("of a long text the beginning is shown, and how long it is", () => {
  expect(folded(lines(340))).toMatchObject({ shown: lines(40), lines: 340 });
});

test("one line without an end is cut too, between two characters", () => {
  expect(folded("x".repeat(200_000))?.shown).toHaveLength(5000);
  expect(folded(`${"x".repeat(4999)}${"😀".repeat(9000)}`)?.shown).toBe("x".repeat(4999));
});

test("a picture in a text is not counted, nor cut", () => {
  const picture = `![chart](data:image/png;base64,${"A".repeat(100_000)})`;
  expect(folded(picture)).toBeNull();
  expect(folded(`${picture}\n${lines(100)}`)?.shown).toContain(picture);
});

test("of a text that grows the end is shown, in steps of forty lines", () => {
  expect(growing(lines(79))).toBeNull();
  expect(growing(lines(80))?.shown.split("\n")[0]).toBe("line 40");
  expect(growing(lines(119))?.shown.split("\n")[0]).toBe("line 40");
  expect(growing(lines(120))?.shown.split("\n")[0]).toBe("line 80");
});

test("code that began ahead of what is shown is code", () => {
  const code = `\`\`\`python\n${lines(100)}`;
  expect(growing(code)?.shown).toMatch(/^```python\nline /);
  expect(growing(`${code}\n~~~\n\`\`\` x\n${lines(5)}`)?.shown).toMatch(/^```python\n/);
  expect(growing(`\`\`\`\n\`\`\`\n${lines(100)}`)?.shown).toMatch(/^line /);
});
