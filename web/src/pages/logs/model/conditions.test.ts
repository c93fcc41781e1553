import { expect, test } from "vitest";
import { asksFor, conditions, excluding, quieted, toggled, without, zoned } from "./conditions";

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

test("a word before a colon that is no field is text", () => {
  expect(conditions("TypeError: std::vector localhost:8080 Kind:files")).toMatchObject([
    { field: null, values: ["TypeError:"] },
    { field: null, values: ["std::vector"] },
    { field: null, values: ["localhost:8080"] },
    { field: "kind", values: ["files"] },
  ]);
});

test.each(['"never closed', "agent:", "-", "*", '*"part"', 'a"b', '"a"b'])(
  "half a condition %s is read to its end",
  (typed) => {
    expect(conditions(typed).at(-1)?.to).toBe(typed.length);
  },
);

test("a time without a zone is of the browser's clock", () => {
  const asked = zoned('x since:2026-07-01T10:30 UNTIL:"2026-12-02" y');
  const times = conditions(asked).flatMap((one) => (one.field ? one.values : []));
  expect(times.map((one) => Date.parse(one))).toEqual([
    new Date(2026, 6, 1, 10, 30).getTime(),
    new Date(2026, 11, 2).getTime(),
  ]);
  for (const time of times) expect(time).toMatch(/[+-]\d\d:\d\d$/);
});

test.each([
  "since:2h",
  "since:2026-07-01T10:30Z",
  "since:2026-07-01T10:30+02:00",
  "2026-07-01",
  "since:soon",
])("%s stays as it is", (query) => expect(zoned(query)).toBe(query));

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
