import { expect, test } from "vitest";
import { asksFor, conditions, excluding, quieted, toggled, without } from "./conditions";

const texts = (query: string) => conditions(query).map((one) => one.text);

test("a search is split where the broker splits it", () => {
  expect(texts('agent:Backend  kind:command "exit 1" -lint *"a part"*')).toEqual([
    "agent:Backend",
    "kind:command",
    '"exit 1"',
    "-lint",
    '*"a part"*',
  ]);
});

test("a condition tells its field, its values and whether it excludes", () => {
  expect(conditions('-Agent:a,b command:"npm \\"x\\", y"')).toMatchObject([
    { field: "agent", excluded: true, values: ["a", "b"] },
    { field: "command", excluded: false, values: ['npm "x", y'] },
  ]);
});

test.each(['"never closed', "agent:", "-", "*", '*"part"', 'a"b', '"a"b'])(
  "half a condition %s is read to its end",
  (typed) => {
    expect(conditions(typed).at(-1)?.to).toBe(typed.length);
  },
);

test("a condition that is taken away leaves the others as they were", () => {
  const query = 'one agent:A "t w o"';
  const [, agent] = conditions(query);
  expect(agent && without(query, agent)).toBe('one "t w o"');
});

test("a value is asked for beside others, and no longer when it is chosen again", () => {
  expect(toggled("word agent:A", "agent", "B C")).toBe('agent:A agent:"B C" word');
  expect(toggled("word", "agent", "A")).toBe("agent:A word");
  expect(toggled("agent:A,B word", "agent", "A")).toBe("agent:B word");
  expect(toggled("agent:A word", "agent", "A")).toBe("word");
});

test("of a field that holds one thing the new value takes the place of the old", () => {
  expect(toggled("failed:true", "failed", "false")).toBe("failed:false");
});

test("a value that is excluded is no longer asked for, and is excluded once", () => {
  expect(excluding("agent:A word", "agent", "A")).toBe("word -agent:A");
  expect(excluding("-agent:A", "agent", "A")).toBe("-agent:A");
  expect(asksFor("-agent:A", "agent", "A")).toBe(false);
});

test("a search leaves out what only says how things went their way, unless it names kinds", () => {
  expect(quieted("")).toBe("-kind:frame,receipt");
  expect(quieted('"exit 1"')).toBe('"exit 1" -kind:frame,receipt');
  expect(quieted("kind:receipt bounced")).toBe("kind:receipt bounced");
  expect(quieted("-kind:frame")).toBe("-kind:frame");
});
