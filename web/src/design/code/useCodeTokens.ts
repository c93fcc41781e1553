import { useEffect, useState, type RefObject } from "react";
import { tokensOf } from "../diff/highlighter/highlighter";
import { languageNamed } from "../diff/model/languages";
import type { Token } from "../diff/model/pieces";
import { useNear } from "../diff/useSyntax";

const PLAIN: readonly (readonly Token[])[] = [];
/** Every token is an element to be drawn. */
const MOST_CHARACTERS = 100_000;
/** Code that is being written is read when it rests; till then its new lines are plain. */
const RESTS_MS = 150;

/** The tokens of each line of fenced code, once it is near to being seen and has been read. */
export function useCodeTokens(
  word: string,
  code: string,
  box: RefObject<Element | null>,
): readonly (readonly Token[])[] {
  const [tokens, setTokens] = useState(PLAIN);
  const near = useNear(box);
  useEffect(() => {
    const language = languageNamed(word);
    if (!near || language === null || code.length > MOST_CHARACTERS) return;
    let wanted = true;
    const timer = setTimeout(() => {
      void tokensOf(language, [code]).then((found) => {
        if (wanted && found?.[0]) setTokens(found[0]);
      });
    }, RESTS_MS);
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [word, code, near]);
  return tokens;
}
