import type { Commands } from "./commands";

const SEQUENCE_MS = 1200;
const TYPED_INTO = "input, textarea, select, [contenteditable=true], [role=textbox]";

/** Runs commands by their keys. All keys rest while a dialog asks something, single ones also while a person types. */
export class Keyboard {
  readonly #commands: Commands;
  #pressed = "";
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(commands: Commands) {
    this.#commands = commands;
  }

  /** Listen until the returned function is called. */
  listen(target: Window): () => void {
    const onKey = (event: KeyboardEvent) => this.press(event);
    target.addEventListener("keydown", onKey);
    return () => target.removeEventListener("keydown", onKey);
  }

  press(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.isComposing) return;
    const key = named(event);
    if (!key || !(event.target instanceof Node)) return;
    const isChord = key.startsWith("mod+");
    if (isAsked(event.target)) {
      // Nor does the browser take it for its own.
      if (isChord && this.#commands.for(key)) event.preventDefault();
      return;
    }
    if (!isChord && isTyping(event.target)) return;
    const keys = this.#pressed ? `${this.#pressed} ${key}` : key;
    const command = this.#commands.for(keys) ?? this.#commands.for(key);
    this.#forget();
    if (command) {
      event.preventDefault();
      command.run();
    } else if (this.#commands.begins(key)) {
      this.#pressed = key;
      this.#timer = setTimeout(() => this.#forget(), SEQUENCE_MS);
    }
  }

  #forget(): void {
    clearTimeout(this.#timer);
    this.#pressed = "";
  }
}

/** "mod+k", "shift+enter", "?" — a letter's case and the symbol already tell whether Shift was held. */
function named(event: KeyboardEvent): string | null {
  if (["Control", "Meta", "Shift", "Alt"].includes(event.key) || event.altKey) return null;
  const key = event.key.length === 1 ? event.key : event.key.toLowerCase();
  if (event.metaKey || event.ctrlKey) return `mod+${key.toLowerCase()}`;
  return event.shiftKey && key.length > 1 ? `shift+${key}` : key;
}

/** What is said in passing calls itself a dialog too, and asks nothing. */
const ASKING = "[role=dialog]:not([data-toast])";

const isAsked = (target: Node): boolean => target.ownerDocument?.querySelector(ASKING) != null;

const isTyping = (target: Node): boolean => target instanceof Element && target.closest(TYPED_INTO) !== null;
