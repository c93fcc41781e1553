import { inBase } from "~/live/wire/base";
import * as texts from "~/texts";

let title = "";
let count = 0;

/** What the browser's tab is called: the page's name. */
export function nameTab(page: string): void {
  title = page;
  draw();
}

/** How many things need a person: said in the tab's title, and seen on its icon. */
export function countInTab(needs: number): void {
  count = needs;
  draw();
  const icon = document.querySelector<HTMLLinkElement>("link[rel=icon]");
  if (icon) icon.href = inBase(needs > 0 ? "/icon-waiting.svg" : "/icon.svg");
}

function draw(): void {
  if (title !== "") document.title = texts.design.tab(title, count);
}
