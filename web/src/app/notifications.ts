import { seenText } from "~/design/seen";
import type { Loading, NeedKnown } from "~/live/workspace";
import { Store, type Readable } from "~/live/wire/store";
import * as texts from "~/texts";

const ASKED_FOR = "relaycast.notify";

/** Whether a person wants browser notifications: `denied` is the browser's own no, which only its settings undo. */
export type Wish = "on" | "off" | "denied" | "unsupported";

/** Tells of what newly needs a person through the browser while the page is not looked at, once a person has asked for it. */
export class Notifications {
  readonly #wish = new Store<Wish>(present());
  #known: ReadonlySet<string> | null = null;

  get wish(): Readable<Wish> {
    return this.#wish;
  }

  async turnOn(): Promise<void> {
    if (this.#wish.get() === "unsupported") return;
    localStorage.setItem(ASKED_FOR, "yes");
    await Notification.requestPermission();
    this.#wish.set(present());
  }

  turnOff(): void {
    localStorage.removeItem(ASKED_FOR);
    this.#wish.set(present());
  }

  /** Follow what waits until the returned function is called; `open` is what a click on a notification does. */
  watch(needs: Readable<Loading<readonly NeedKnown[]>>, open: (need: NeedKnown) => void): () => void {
    const look = () => {
      const now = needs.get();
      if (now.state !== "ready") return;
      const before = this.#known;
      this.#known = new Set(now.value.map((one) => one.key));
      // What waited already when the page was opened is no news.
      if (before) now.value.filter((one) => !before.has(one.key)).forEach((one) => this.#tell(one, open));
    };
    look();
    return needs.subscribe(look);
  }

  #tell(need: NeedKnown, open: (need: NeedKnown) => void): void {
    if (this.#wish.get() !== "on" || document.visibilityState === "visible") return;
    const notification = new Notification(texts.shell.needsYou(need.name), {
      body: seenText(need.title),
      tag: need.key,
    });
    notification.onclick = () => {
      window.focus();
      open(need);
      notification.close();
    };
  }
}

/** The page's one. */
export const notifications = new Notifications();

function present(): Wish {
  if (typeof Notification === "undefined") return "unsupported";
  if (Notification.permission === "denied") return "denied";
  return Notification.permission === "granted" && localStorage.getItem(ASKED_FOR) === "yes" ? "on" : "off";
}
