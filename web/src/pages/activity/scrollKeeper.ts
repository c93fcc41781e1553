/** Closer to the end than this counts as at the end. */
const NEAR_PX = 48;
/** So many of the entries in sight are remembered: of one that is drawn anew the next tells where it was. */
const REMEMBERED = 3;

interface Anchor {
  readonly element: Element;
  /** From the top of the box. */
  readonly top: number;
}

/**
 * Keeps in sight what is read while entries come and go, and while those out of sight get their size: the end, or else the
 * entries that were in sight. Not left to the browser, as not every one does, and none at the very top.
 */
export class ScrollKeeper {
  readonly #box: HTMLElement;
  readonly #list: HTMLElement;
  #following = true;
  #top = 0;
  #anchors: readonly Anchor[] = [];
  /** What was gone to stays where it is until the reader moves. */
  #shown: Element | null = null;

  constructor(box: HTMLElement, list: HTMLElement) {
    this.#box = box;
    this.#list = list;
  }

  get following(): boolean {
    return this.#following;
  }

  get isNearEnd(): boolean {
    return this.fromEnd < NEAR_PX;
  }

  /** What lies below what is in sight, in pixels. */
  get fromEnd(): number {
    return this.#box.scrollHeight - this.#box.scrollTop - this.#box.clientHeight;
  }

  get fromTop(): number {
    return this.#box.scrollTop;
  }

  /** How many entries are further above what is in sight than `px`. */
  countAbove(px: number): number {
    return this.#firstBelow(-px);
  }

  /** How many entries are further below what is in sight than `px`. */
  countBelow(px: number): number {
    const { children } = this.#list;
    // The first that reaches over the line is not wholly below it.
    return Math.max(0, children.length - this.#firstBelow(this.#box.clientHeight + px) - 1);
  }

  /** The box was scrolled, by the reader or by what is below. Tells whether the reader went up. */
  scrolled(): boolean {
    const top = this.#box.scrollTop;
    const up = top < this.#top - 2;
    if (Math.abs(top - this.#top) > 2) this.#shown = null;
    this.#remember();
    return up;
  }

  /** Stay with the end. */
  follow(): void {
    this.#following = true;
    this.#shown = null;
    this.settle();
  }

  letGo(): void {
    this.#following = false;
  }

  /** Bring an entry into sight, and stay with it. */
  show(element: Element): void {
    this.#following = false;
    // Not by the browser, which would scroll all that is around the box too, and for good where that hides what is too much.
    const room = this.#box.clientHeight - element.getBoundingClientRect().height;
    this.#box.scrollTop += this.#topOf(element) - Math.max(0, room / 2);
    this.#shown = element;
    this.#remember();
  }

  /** After anything changed, and before it is painted: what was in sight is where it was. */
  settle(): void {
    if (this.#following) this.#box.scrollTop = this.#box.scrollHeight;
    else {
      const anchor = this.#anchors.find(({ element }) => element.isConnected);
      // What the reader scrolled since is no change of the place.
      const byReader = this.#box.scrollTop - this.#top;
      if (anchor) {
        const shift = this.#topOf(anchor.element) - (anchor.top - byReader);
        if (Math.abs(shift) >= 1) this.#box.scrollTop += shift;
      }
    }
    this.#remember();
  }

  #topOf(element: Element): number {
    return element.getBoundingClientRect().top - this.#box.getBoundingClientRect().top;
  }

  #remember(): void {
    this.#top = this.#box.scrollTop;
    const first = this.#firstBelow(0);
    const seen = Array.from(this.#list.children)
      .slice(first, first + REMEMBERED)
      .flatMap((entry) => this.#linesOf(entry))
      .slice(0, REMEMBERED);
    const shown = this.#shown?.isConnected ? [this.#shown] : [];
    this.#anchors = [...shown, ...seen].map((element) => ({ element, top: this.#topOf(element) }));
  }

  /** What may grow at its front while it is read is remembered by those of its lines that are not above what is in sight. */
  #linesOf(entry: Element): Element[] {
    const lines = entry.querySelector(":scope > ul")?.children;
    if (!lines) return [entry];
    const first = this.#firstBelow(0, lines);
    return Array.from(lines).slice(first, first + REMEMBERED);
  }

  /** The first entry that ends so far below the box's top, by halving: entries stand one below the other. */
  #firstBelow(px: number, children = this.#list.children): number {
    let [low, high] = [0, children.length];
    const top = this.#box.getBoundingClientRect().top + px;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((children[middle]?.getBoundingClientRect().bottom ?? 0) > top) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
