/** A match, counted in Unicode code points. */
export interface Highlight {
  readonly start: number;
  readonly length: number;
}

/** A piece of a text. */
export interface Piece {
  readonly text: string;
  readonly marked: boolean;
}

/** A text cut where matches begin and end. */
export function pieces(text: string, highlights: readonly Highlight[]): Piece[] {
  const letters = Array.from(text);
  const found: Piece[] = [];
  let place = 0;
  const take = (to: number, marked: boolean) => {
    if (to > place) found.push({ text: letters.slice(place, to).join(""), marked });
    place = Math.max(place, to);
  };
  for (const { start, length } of highlights) {
    take(start, false);
    take(start + length, true);
  }
  take(letters.length, false);
  return found;
}
