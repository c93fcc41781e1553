import { globSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as all from "./texts";

const sources = globSync("src/**/*.{ts,tsx}")
  .filter((name) => !name.includes("texts."))
  .map((name) => readFileSync(name, "utf8"));

test("every text is used, and named in the one way that the build understands", () => {
  const used = new Set(sources.flatMap((code) => code.match(/\btexts\.\w+\.\w+/g) ?? []));
  const there = Object.entries(all).flatMap(([group, texts]) =>
    Object.keys(texts).map((key) => `texts.${group}.${key}`),
  );
  expect([...used].sort()).toEqual(there.sort());
});
