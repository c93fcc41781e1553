import { expect, test } from "vitest";
import { drafted, keysOf, namesSomebody, NO_DRAFT, type Draft } from "./rule";
import { patternsOf, requiredOf } from "./words";

const draft = (changes: Partial<Draft>): Draft => ({ ...NO_DRAFT, effect: "REQUIRE", ...changes });

test("a rule requires people, or people of a group or with a role", () => {
  const said = ([people, changes]: [number, Partial<Draft>]) =>
    requiredOf(drafted(draft({ people, ...changes })));
  expect(said([2, {}])).toBe("2 people");
  expect(said([1, { whom: "group", group: " ops " }])).toBe("1 person of the group ops");
  expect(said([2, { whom: "ADMIN" }])).toBe("2 people with the role admin or above");
  expect(said([1, { whom: "OWNER" }])).toBe("1 person with the role owner");
});

test("one that names nobody cannot be made", () => {
  expect(namesSomebody(drafted(draft({ people: 1 })))).toBe(false);
  expect(namesSomebody(drafted(draft({ people: 1, whom: "group", group: " " })))).toBe(false);
  expect(namesSomebody(drafted(draft({ people: 2 })))).toBe(true);
  expect(namesSomebody(drafted({ ...NO_DRAFT, people: 1 }))).toBe(true);
});

test("any other effect requires nobody, whatever was typed before", () => {
  const rule = drafted({ ...draft({ risk: "HIGH", whom: "ADMIN" }), effect: "DENY" });
  expect(rule).toMatchObject({ risk: null, role: null, group: null, people: 1 });
  expect(requiredOf(rule)).toBeNull();
});

test("the risk is shown beside the patterns, and tells rules apart", () => {
  const [low, high] = (["LOW", "HIGH"] as const).map((risk) => drafted(draft({ risk }))) as [
    ReturnType<typeof drafted>,
    ReturnType<typeof drafted>,
  ];
  expect(patternsOf(high).at(-1)).toEqual(["From risk", "high"]);
  expect(new Set(keysOf([low, high])).size).toBe(2);
});
