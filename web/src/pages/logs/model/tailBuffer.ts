/** What a buffer holds: things in the order of a log. */
export interface Placed {
  readonly epoch: string;
  readonly offset: number;
}

/**
 * The latest lines of a log, in order and each once. It is changed in place, for copying a hundred thousand lines
 * at every picture would cost more than drawing it; `version` tells that it changed.
 */
export class TailBuffer<Line extends Placed> {
  readonly #most: number;
  readonly #slack: number;
  #lines: Line[] = [];
  #first = 0;
  #version = 0;
  #held = false;

  /** Keeps `most` lines; `slack` more may pile up before old ones go, so that shortening is rare. */
  constructor(most: number, slack = Math.ceil(most / 10)) {
    this.#most = most;
    this.#slack = slack;
  }

  get version(): number {
    return this.#version;
  }

  get length(): number {
    return this.#lines.length;
  }

  /** The number of the first line. Lines keep their numbers when older ones come or go. */
  get first(): number {
    return this.#first;
  }

  /** The number that the next line will get. */
  get end(): number {
    return this.#first + this.#lines.length;
  }

  at(index: number): Line | undefined {
    return this.#lines[index];
  }

  /** Add a line at the new end, unless it is there already. Tells whether it was new. */
  append(line: Line): boolean {
    const last = this.#lines.at(-1);
    if (last && last.epoch !== line.epoch) this.clear();
    else if (last && line.offset <= last.offset) return false;
    this.#lines.push(line);
    this.#version += 1;
    this.#shorten();
    return true;
  }

  /** Add older lines at the old end, those that fit. */
  prepend(older: readonly Line[]): void {
    const first = this.#lines[0];
    const fitting = older.filter(
      (line) => !first || (line.epoch === first.epoch && line.offset < first.offset),
    );
    this.#lines = [...fitting, ...this.#lines];
    this.#first -= fitting.length;
    this.#version += 1;
  }

  clear(): void {
    this.#first = this.end;
    this.#lines = [];
    this.#version += 1;
  }

  /** While somebody reads old lines none of them goes, up to as many again as are kept. */
  hold(held: boolean): void {
    this.#held = held;
    this.#shorten();
  }

  #shorten(): void {
    const bound = this.#held ? 2 * this.#most : this.#most;
    if (this.#lines.length <= bound + this.#slack) return;
    const gone = this.#lines.length - this.#most;
    this.#lines = this.#lines.slice(gone);
    this.#first += gone;
    this.#version += 1;
  }
}
