import Anser from "anser";

/** A piece of terminal output and how it looks, as names of classes in `ansi.css`. */
export interface Run {
  readonly text: string;
  readonly look: string;
}

const ESCAPE = "\u001b";
/** Cursor movements, titles and links are of no use in a list of lines. Colours end in `m` and stay. */
const OTHER =
  // eslint-disable-next-line no-control-regex -- control characters are what this is about
  /\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)|\u001b\[[0-9;?]*[A-Za-ln-z]|\u001b[()][0-9A-Za-z]/g;

/** Terminal output cut where its looks change. What has no escapes is one run. */
export function runs(text: string): Run[] {
  if (!text.includes(ESCAPE)) return [{ text, look: "" }];
  return Anser.ansiToJson(text.replace(OTHER, ""), { use_classes: true, remove_empty: true, json: true }).map(
    (one) => ({
      text: one.content,
      look: [named(one.fg), one.bg && `${named(one.bg)}-bg`, ...one.decorations.map((each) => `ansi-${each}`)]
        .filter(Boolean)
        .join(" "),
    }),
  );
}

/** The sixteen named colours; of the others, which would not keep their contrast on our grounds, none. */
function named(color: string): string {
  return /^ansi-(bright-)?(black|red|green|yellow|blue|magenta|cyan|white)$/.test(color) ? color : "";
}
