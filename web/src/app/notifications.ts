import type { Waiting } from "~/live/documents";
import type { Loading } from "~/live/workspace";
import { Store, type Readable } from "~/live/store";
import * as texts from "~/texts";

const ASKED_FOR = "relaycast.notify";

/** Whether a person wants browser notifications: `denied` is the browser's own no, which only its settings undo. */
export type Wish = "on" | "off" | "denied" | "unsupported";

/** Tells of new approvals through the browser while the page is not looked at, once a person has asked for it. */
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
  watch(waiting: Readable<Loading<readonly Waiting[]>>, open: () => void): () => void {
    const look = () => {
      const now = waiting.get();
      if (now.state !== "ready") return;
      const before = this.#known;
      this.#known = new Set(now.value.map((one) => one.key));
      // What waited already when the page was opened is no news.
      if (before) now.value.filter((one) => !before.has(one.key)).forEach((one) => this.#tell(one, open));
    };
    look();
    return waiting.subscribe(look);
  }

  #tell(approval: Waiting, open: () => void): void {
    if (this.#wish.get() !== "on" || document.visibilityState === "visible") return;
    const notification = new Notification(texts.shell.needsYou(approval.agent), {
      body: approval.title,
      tag: approval.key,
    });
    notification.onclick = () => {
      window.focus();
      open();
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
