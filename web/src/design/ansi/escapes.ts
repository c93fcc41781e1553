export const ESCAPE = "\u001b";

/** Cursor movements, titles and links are of no use where lines stand below each other. Colours end in `m`. */
const OTHER =
  // eslint-disable-next-line no-control-regex -- control characters are what this is about
  /\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)|\u001b\[[0-9;?]*[A-Za-ln-z]|\u001b[()][0-9A-Za-z]/g;
// eslint-disable-next-line no-control-regex
const COLOURS = /\u001b\[[0-9;:]*m/g;

/** Terminal output of which only the text and its colours are left. */
export const withoutMovements = (text: string): string =>
  text.includes(ESCAPE) ? text.replace(OTHER, "") : text;

/** What a terminal would show, without colours. An escape that is none of a terminal's stays, to be drawn by its name. */
export const withoutEscapes = (text: string): string =>
  text.includes(ESCAPE) ? withoutMovements(text).replace(COLOURS, "") : text;
