import { createCssVariablesTheme, createHighlighterCore, type HighlighterCore } from "shiki/core";
import { createJavaScriptRegexEngine } from "shiki/engine/javascript";
import type { Language } from "../model/languages";
import type { Token } from "../model/pieces";
import { GRAMMARS } from "./grammars";

const LONGEST_LINE = 1000;
/** For one line; a grammar can meet a text that it takes forever to read. */
const MOST_MS = 200;

// Its colours are names of kinds; the page's own style sheet gives them a colour in each theme.
const theme = createCssVariablesTheme({ variablePrefix: "--", fontStyle: false });

let made: Promise<HighlighterCore> | undefined;

/** The tokens of each line of each text. Every text is read as a whole: a string may go on over lines. */
export async function highlight(language: Language, texts: readonly string[]): Promise<Token[][][]> {
  made ??= createHighlighterCore({
    engine: createJavaScriptRegexEngine({ forgiving: true }),
    themes: [theme],
  });
  const highlighter = await made;
  await highlighter.loadLanguage(GRAMMARS[language]);
  return texts.map((text) =>
    highlighter
      .codeToTokensBase(text, {
        lang: language,
        theme: theme.name ?? "",
        tokenizeMaxLineLength: LONGEST_LINE,
        tokenizeTimeLimit: MOST_MS,
      })
      .map((line) => line.map(({ content, color }) => ({ length: content.length, kind: kindOf(color) }))),
  );
}

/** "keyword" of `var(--token-keyword)`; plain text has another variable. */
function kindOf(color: string | undefined): string | null {
  return /^var\(--token-([a-z-]+)\)$/.exec(color ?? "")?.[1] ?? null;
}
