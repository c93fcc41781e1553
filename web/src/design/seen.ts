/** A piece of a text: what is drawn as it is, or a character that would hide or reorder what is around it. */
export interface SeenPiece {
  readonly text: string;
  readonly hidden: boolean;
}

/** As `broker.domain.approvals.hidden` has them: what is not drawn, or changes how its neighbours are drawn. */
const HIDDEN =
  "[\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}\\p{Cs}\\u115f\\u1160\\u3164\\uffa0\\u2800]|\\u034f|\\u17b4|\\u17b5|\\p{Variation_Selector}";
const ANY = new RegExp(HIDDEN, "u");
const EVERY = new RegExp(HIDDEN, "gu");
const PLAIN = new Set(["\n", "\t"]);
const PRINTABLE = /^[\x20-\x7e\n\t]*$/;

/* What scripts and pictures need, as `broker.domain.unseen` has it. */
const JOINS =
  "[\\u0600-\\u07ff\\u0840-\\u086f\\u08a0-\\u0dff\\u0f00-\\u109f\\u1780-\\u18af\\ufb50-\\ufdff\\ufe70-\\ufefc]";
const PICTURE = "[\\u2190-\\u21ff\\u2300-\\u27bf\\u2934\\u2935\\u2b00-\\u2bff\\u{1f000}-\\u{1faff}]";
const HAS_FORMS = `[0-9#*\\u00a9\\u00ae\\u203c\\u2049\\u2122\\u2139\\u3030\\u303d\\u3297\\u3299]|${PICTURE}`;
const HAN = "[\\u3400-\\u9fff\\uf900-\\ufaff\\u{20000}-\\u{323af}]";
/** England, Scotland, Wales. */
const FLAG =
  "\\u{1f3f4}\\u{e0067}\\u{e0062}(?:\\u{e0065}\\u{e006e}\\u{e0067}|\\u{e0073}\\u{e0063}\\u{e0074}|\\u{e0077}\\u{e006c}\\u{e0073})\\u{e007f}";
const NEEDED = new RegExp(
  [
    `(?<=${JOINS})[\\u200c\\u200d](?=${JOINS})`,
    `(?<=${PICTURE}|\\ufe0f)\\u200d(?=${PICTURE})`,
    `(?<=${HAS_FORMS})[\\ufe0e\\ufe0f]`,
    `(?<=${HAN})(?:[\\ufe00-\\ufe0d]|[\\u{e0100}-\\u{e01ef}])`,
    "(?<=[\\u1820-\\u18aa])[\\u180b-\\u180d\\u180f]",
    FLAG,
  ].join("|"),
  "gu",
);

/** The text in pieces, so that each hidden character can be drawn as its name. */
export function seenPieces(text: string): readonly SeenPiece[] {
  if (PRINTABLE.test(text) || !ANY.test(text)) return text === "" ? [] : [{ text, hidden: false }];
  const needed = placesOf(NEEDED, text);
  const found: SeenPiece[] = [];
  let from = 0;
  for (const { 0: character, index } of text.matchAll(EVERY)) {
    if (PLAIN.has(character) || needed.has(index)) continue;
    if (index > from) found.push({ text: text.slice(from, index), hidden: false });
    found.push({ text: named(character), hidden: true });
    from = index + character.length;
  }
  if (from < text.length) found.push({ text: text.slice(from), hidden: false });
  return found;
}

/** The text as one line of words, for titles and labels that take no elements. */
export function seenText(text: string): string {
  return seenPieces(text)
    .map((piece) => piece.text)
    .join("");
}

/** Where the code units of all that matches stand. */
function placesOf(pattern: RegExp, text: string): ReadonlySet<number> {
  const places = new Set<number>();
  for (const { 0: match, index } of text.matchAll(pattern)) {
    for (let place = index; place < index + match.length; place++) places.add(place);
  }
  return places;
}

function named(character: string): string {
  const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
  return `‹U+${code}›`;
}
