import { highlight } from "./highlight";
import type { Answer, Question } from "./highlighter";

// Grammars are read beside the page, so that it never waits for them.
addEventListener("message", ({ data }: MessageEvent<Question>) => {
  void answer(data).then((done) => postMessage(done));
});

async function answer({ id, language, texts }: Question): Promise<Answer> {
  try {
    return { id, tokens: await highlight(language, texts) };
  } catch (error) {
    console.warn(`The colours of ${language} are not there.`, error);
    return { id, tokens: null };
  }
}
