import { expect, test } from "vitest";
import { draftFor, keepDraft, type Keeper } from "./drafts";

function keeper(kept: Record<string, string> = {}): Keeper {
  const all = new Map(Object.entries(kept));
  return {
    getItem: (key) => all.get(key) ?? null,
    setItem: (key, value) => void all.set(key, value),
    removeItem: (key) => void all.delete(key),
  };
}

test("each session and addressee has a draft of its own, until it is sent", () => {
  const kept = keeper();
  keepDraft(kept, "s1", "Backend", "fix the");
  keepDraft(kept, "s1", "Docs", "write");
  keepDraft(kept, "s2", "Backend", "other");
  expect(draftFor(kept, "s1", "Backend")).toBe("fix the");
  expect(draftFor(kept, "s2", "Backend")).toBe("other");
  keepDraft(kept, "s1", "Backend", "");
  expect([draftFor(kept, "s1", "Backend"), draftFor(kept, "s1", "Docs")]).toEqual(["", "write"]);
});

test("the oldest drafts go before there are too many", () => {
  const kept = keeper();
  for (let number = 0; number < 60; number++) keepDraft(kept, "s", `Agent${number}`, "text");
  expect(draftFor(kept, "s", "Agent5")).toBe("");
  expect(draftFor(kept, "s", "Agent59")).toBe("text");
});

test.each(["{", "7", '[["a"], 3, ["s Backend", "text"]]'])(
  "what others left there, %s, does no harm",
  (left) => {
    const kept = keeper({ "relaycast:drafts": left });
    keepDraft(kept, "s", "Docs", "text");
    expect(draftFor(kept, "s", "Docs")).toBe("text");
  },
);

test("a browser that keeps nothing is no error", () => {
  const refuses = () => {
    throw new DOMException("denied", "SecurityError");
  };
  const kept = { getItem: refuses, setItem: refuses, removeItem: refuses };
  keepDraft(kept, "s", "Docs", "text");
  expect(draftFor(kept, "s", "Docs")).toBe("");
});
