/** A stretch of a line that is of one kind, such as "keyword"; null for plain text. */
export interface Token {
  readonly length: number;
  readonly kind: string | null;
}

/** A stretch of a line that another line has not, by its first character and the first behind it. */
export type Mark = readonly [from: number, to: number];

/** A stretch of a line that looks the same all over. */
export interface Piece {
  readonly text: string;
  readonly kind: string | null;
  readonly marked: boolean;
}

/** A line in pieces: cut wherever a token or a mark begins or ends. */
export function pieces(text: string, tokens: readonly Token[], marks: readonly Mark[]): Piece[] {
  const found: Piece[] = [];
  let from = 0;
  for (const { end, kind } of ends(text, tokens)) {
    while (from < end) {
      const marked = marks.find(([, to]) => to > from);
      const inside = marked !== undefined && marked[0] <= from;
      const to = Math.min(end, marked?.[inside ? 1 : 0] ?? end);
      found.push({ text: text.slice(from, to), kind, marked: inside });
      from = to;
    }
  }
  return found;
}

/** Where each token ends; what they leave of the line is plain. */
function ends(text: string, tokens: readonly Token[]): { end: number; kind: string | null }[] {
  let end = 0;
  const told = tokens.map(({ length, kind }) => ({ end: (end += length), kind }));
  return [...told, { end: text.length, kind: null }];
}
