import Anser from "anser";
import { ESCAPE, withoutMovements } from "./escapes";

/** A piece of terminal output and how it looks, as names of classes in `ansi.css`. */
export interface Run {
  readonly text: string;
  readonly look: string;
}

/** Terminal output cut where its looks change. What has no escapes is one run. What goes back in a line begins another. */
export function runs(output: string): Run[] {
  const text = output.includes("\r") ? output.replace(/\r\n?/g, "\n") : output;
  if (!text.includes(ESCAPE)) return [{ text, look: "" }];
  return Anser.ansiToJson(withoutMovements(text), { use_classes: true, remove_empty: true, json: true }).map(
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
