import { Fragment } from "react";
import { Seen } from "./Seen";

const CODE = /`([^`\n]+)`/;

/** What the broker or a machine says in a sentence: it writes a command between backticks, which is drawn as one. */
export function Words({ text }: { text: string }) {
  return text.split(CODE).map((piece, place) =>
    // What a split finds stands between what it does not.
    place % 2 === 1 ? (
      <code key={place} className="rounded bg-sunk px-1 break-words">
        <Seen text={piece} />
      </code>
    ) : (
      <Fragment key={place}>{piece && <Seen text={piece} />}</Fragment>
    ),
  );
}
