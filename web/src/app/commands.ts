import { useLayoutEffect, useRef } from "react";
import { Store, type Readable } from "~/live/wire/store";

/** Something a person can do from the palette, and by keys where it has them. */
export interface Command {
  readonly id: string;
  readonly title: string;
  /** The heading it stands under: "Go to", "Agents". */
  readonly section: string;
  /** Keys as in "mod+k", "g i" (one after the other) or "?". */
  readonly keys?: string;
  /** More words to find it by. */
  readonly words?: string;
  /** Kept out of the palette, such as "close the palette". */
  readonly hidden?: boolean;
  readonly run: () => void;
}

/** All that can be done now. Pages add their commands while they are shown. */
export class Commands {
  readonly #all = new Store<readonly Command[]>([]);
  readonly #makers = new Set<() => readonly Command[]>();

  get all(): Readable<readonly Command[]> {
    return this.#all;
  }

  /** Offer commands until the returned function is called. A later one with the same keys wins. */
  offer(commands: readonly Command[]): () => void {
    this.#all.update((all) => [...all, ...commands]);
    return () => this.#all.update((all) => all.filter((one) => !commands.includes(one)));
  }

  /** Offer commands without keys that are made when they are looked at: those about what changes all the time. */
  offerMade(make: () => readonly Command[]): () => void {
    this.#makers.add(make);
    return () => void this.#makers.delete(make);
  }

  /** The commands that are made now. */
  made(): readonly Command[] {
    return [...this.#makers].flatMap((make) => make());
  }

  /** The command for these keys. */
  for(keys: string): Command | undefined {
    return this.#all.get().findLast((command) => command.keys === keys);
  }

  /** Do what is offered under this id. */
  run(id: string): void {
    this.#all
      .get()
      .findLast((command) => command.id === id)
      ?.run();
  }

  /** Whether a longer sequence begins with these keys. */
  begins(keys: string): boolean {
    return this.#all.get().some((command) => command.keys?.startsWith(`${keys} `));
  }
}

/** The page's commands. */
export const commands = new Commands();

/**
 * Offer commands while the component is shown. They may change at every drawing; what a command does is always
 * what the latest drawing said. Layout effects, as what is on the screen must already answer to its keys.
 */
export function useCommands(offered: readonly Command[]): void {
  const latest = useRef(offered);
  useLayoutEffect(() => {
    latest.current = offered;
  });
  const signature = offered
    .map((c) => [c.id, c.title, c.section, c.keys, c.words].join("\u0000"))
    .join("\u0001");
  useLayoutEffect(() => {
    const stable = latest.current.map((command) => ({
      ...command,
      run: () => latest.current.find((one) => one.id === command.id)?.run(),
    }));
    return commands.offer(stable);
  }, [signature]);
}

/** Offer commands that are made when somebody looks for one, by what the latest drawing said. */
export function useMadeCommands(make: () => readonly Command[]): void {
  const latest = useRef(make);
  useLayoutEffect(() => {
    latest.current = make;
  });
  useLayoutEffect(() => commands.offerMade(() => latest.current()), []);
}
