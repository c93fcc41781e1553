import { useEffect, useState, type RefObject } from "react";
import { tokensOf } from "./highlighter/highlighter";
import { textsOf, type Row, type Side } from "./model/diffRows";
import { languageOf } from "./model/languages";
import type { Token } from "./model/pieces";

/** The tokens of lines. */
export type Syntax = ReadonlyMap<Side, readonly Token[]>;

const PLAIN: Syntax = new Map();
/** A longer diff stays plain: every token is an element to be drawn. */
const MOST_ROWS = 2000;

/** What a diff's text consists of, once it is near to being seen and has been read; until then it is plain. */
export function useSyntax(path: string, rows: readonly Row[], box: RefObject<Element | null>): Syntax {
  const [syntax, setSyntax] = useState(PLAIN);
  const near = useNear(box);
  useEffect(() => {
    const language = languageOf(path);
    if (!near || language === null || rows.length > MOST_ROWS) return;
    let wanted = true;
    const texts = textsOf(rows);
    const asked = texts.map((sides) => sides.map((side) => side.text).join("\n"));
    void tokensOf(language, asked).then((tokens) => {
      if (wanted && tokens) setSyntax(new Map(texts.flatMap((sides, text) => lines(sides, tokens[text]))));
    });
    return () => {
      wanted = false;
    };
  }, [path, rows, near]);
  return syntax;
}

const lines = (sides: readonly Side[], tokens: readonly Token[][] = []): [Side, readonly Token[]][] =>
  sides.map((side, line) => [side, tokens[line] ?? []]);

/** Whether an element has ever come near to what is seen of the page. */
export function useNear(box: RefObject<Element | null>): boolean {
  const [near, setNear] = useState(false);
  useEffect(() => {
    if (!box.current) return;
    const watch = new IntersectionObserver(
      (seen) => {
        if (!seen.some((one) => one.isIntersecting)) return;
        setNear(true);
        watch.disconnect();
      },
      { rootMargin: "400px" },
    );
    watch.observe(box.current);
    return () => watch.disconnect();
  }, [box]);
  return near;
}
