import { describe, expect, it } from "vitest";
import { carried, NO_CHOICE, stepped, type Choice } from "./choice";

const list = (keys: string) => Array.from(keys).map((key) => ({ key }));
const choice = (keys: string, key: string | null, lost: number | null = null): Choice => ({
  waiting: list(keys),
  key,
  lost,
});

describe("the choice in a list that changes", () => {
  it("begins with the question that was asked first", () => {
    expect(carried(NO_CHOICE, list("ab"), null).key).toBe("a");
  });

  it("stays while what is chosen waits", () => {
    expect(carried(choice("ab", "b"), list("cab"), null).key).toBe("b");
  });

  it("passes on what was answered here to what takes its place, or to the last", () => {
    expect(carried(choice("abc", "b"), list("ac"), "b").key).toBe("c");
    expect(carried(choice("abc", "c"), list("ab"), "c").key).toBe("b");
    expect(carried(choice("a", "a"), [], "a").key).toBeNull();
  });

  it("is nobody's when somebody else answered, until a key chooses", () => {
    const left = carried(choice("abc", "b"), list("ac"), null);
    expect(left.key).toBeNull();
    expect(carried(left, list("acd"), null).key).toBeNull();
    expect(stepped(left, 1).key).toBe("c");
    expect(stepped(left, -1).key).toBe("a");
  });
});

describe("a step", () => {
  it("leads down and up, as far as there is something", () => {
    expect(stepped(choice("ab", "a"), 1).key).toBe("b");
    expect(stepped(choice("ab", "b"), 1).key).toBe("b");
    expect(stepped(choice("ab", "a"), -1).key).toBe("a");
    expect(stepped(choice("", null), 1).key).toBeNull();
  });

  it("starts where the one before it led", () => {
    expect(stepped(stepped(choice("abc", "a"), 1), 1).key).toBe("c");
  });
});
