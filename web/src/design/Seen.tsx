import { Fragment, memo } from "react";
import { seenPieces } from "./seen";
import * as texts from "~/texts";

/** A text of somebody else's: characters that hide or reorder it are drawn as their names, and it turns nothing around it. */
export const Seen = memo(function Seen({ text }: { text: string }) {
  const pieces = seenPieces(text);
  if (pieces.length === 1 && pieces[0]?.hidden === false) return <bdi>{text}</bdi>;
  return (
    <bdi>
      {pieces.map((piece, place) =>
        piece.hidden ? (
          <span
            key={place}
            title={texts.design.hiddenCharacter}
            className="rounded bg-bad-soft px-0.5 font-mono text-bad"
          >
            {piece.text}
          </span>
        ) : (
          <Fragment key={place}>{piece.text}</Fragment>
        ),
      )}
    </bdi>
  );
});
