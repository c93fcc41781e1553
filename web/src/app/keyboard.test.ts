// @vitest-environment jsdom
import { afterEach, expect, test, vi } from "vitest";
import { Commands } from "./commands";
import { Keyboard } from "./keyboard";

afterEach(() => document.body.replaceChildren());

function fixture(...keys: string[]) {
  const offered = new Commands();
  const ran: string[] = [];
  offered.offer(keys.map((k) => ({ id: k, title: k, section: "", keys: k, run: () => void ran.push(k) })));
  const stop = new Keyboard(offered).listen(window);
  const press = (key: string, options: KeyboardEventInit = {}, target: EventTarget = document.body) =>
    target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...options }));
  return { ran, press, stop };
}

test("a command runs by its key, by a sequence, and by a chord", () => {
  const { ran, press, stop } = fixture("?", "g i", "mod+k");
  press("?", { shiftKey: true });
  press("g");
  press("i");
  press("k", { metaKey: true });
  press("K", { ctrlKey: true });
  expect(ran).toEqual(["?", "g i", "mod+k", "mod+k"]);
  stop();
});

test("a sequence is forgotten after a while", () => {
  vi.useFakeTimers();
  const { ran, press, stop } = fixture("g i");
  press("g");
  vi.advanceTimersByTime(2000);
  press("i");
  expect(ran).toEqual([]);
  stop();
  vi.useRealTimers();
});

test("single keys rest while a person types, chords do not", () => {
  const { ran, press, stop } = fixture("a", "mod+k");
  const input = document.body.appendChild(document.createElement("input"));
  press("a", {}, input);
  press("k", { ctrlKey: true }, input);
  expect(ran).toEqual(["mod+k"]);
  stop();
});

test("single keys do not rest while something is said in passing", () => {
  const { ran, press, stop } = fixture("a");
  const toast = document.body.appendChild(document.createElement("div"));
  toast.setAttribute("role", "dialog");
  toast.setAttribute("data-toast", "");
  press("a");
  expect(ran).toEqual(["a"]);
  stop();
});

test("all keys rest while a dialog is open, and the browser takes none for its own", () => {
  const { ran, press, stop } = fixture("a", "mod+k");
  const dialog = document.body.appendChild(document.createElement("div"));
  dialog.setAttribute("role", "dialog");
  press("a");
  expect(press("k", { ctrlKey: true })).toBe(false);
  expect(press("c", { ctrlKey: true })).toBe(true);
  expect(ran).toEqual([]);
  stop();
});
