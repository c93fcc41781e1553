// @vitest-environment jsdom
import { afterEach, expect, it } from "vitest";
import { countInTab, nameTab } from "./tab";

afterEach(() => countInTab(0));

it("says in the title how many things need a person, whichever came first", () => {
  nameTab("Home · Relaycast");
  expect(document.title).toBe("Home · Relaycast");
  countInTab(3);
  expect(document.title).toBe("(3) Home · Relaycast");
  nameTab("Logs · Relaycast");
  expect(document.title).toBe("(3) Logs · Relaycast");
  countInTab(0);
  expect(document.title).toBe("Logs · Relaycast");
});

it("shows it on the icon", () => {
  document.head.innerHTML = '<link rel="icon" href="/icon.svg">';
  const icon = document.querySelector("link");
  countInTab(1);
  expect(icon?.href).toContain("icon-waiting.svg");
  countInTab(0);
  expect(icon?.href).toMatch(/icon\.svg$/);
});
