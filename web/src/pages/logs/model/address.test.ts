import { expect, test } from "vitest";
import { changed, readAddress } from "./address";
import { forgetView, savedViews, saveView } from "./savedViews";

test("an address is what it says, and what cannot be understood is not there", () => {
  expect(
    readAddress({
      q: " exit ",
      session: "main",
      range: "2h",
      view: "live",
      only: "agent:Lead",
      line: "e:5",
      by: "x",
    }),
  ).toEqual({
    q: "exit",
    session: "main",
    range: "2h",
    view: "live",
    only: "agent:Lead",
    line: "e:5",
  });
  expect(readAddress({ q: {}, range: "soon", view: "nothing", session: "" })).toEqual({});
});

test("a search that looks like a number is a search", () => {
  expect(readAddress({ q: 404 })).toEqual({ q: "404" });
});

test("a line is of a session", () => {
  expect(readAddress({ line: "e:5" })).toEqual({});
  expect(changed({ session: "main", line: "e:5" }, { session: undefined })).toEqual({});
});

function storage(first: string | null = null) {
  let kept = first;
  return { getItem: () => kept, setItem: (_: string, value: string) => void (kept = value) };
}

test("views are saved under their names and forgotten", () => {
  const place = storage();
  saveView(place, { name: "fails", address: { q: "failed:true" } });
  saveView(place, { name: "fails", address: { q: "exit:1" } });
  saveView(place, { name: "other", address: {} });
  expect(savedViews(place)).toEqual([
    { name: "fails", address: { q: "exit:1" } },
    { name: "other", address: {} },
  ]);
  expect(forgetView(place, "other")).toHaveLength(1);
});

test.each(["{", "{}", '[1, {"name": 5}]', "null"])("what is stored as %s is no view", (kept) => {
  expect(savedViews(storage(kept))).toEqual([]);
});
