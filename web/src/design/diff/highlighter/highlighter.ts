import type { Language } from "../model/languages";
import type { Token } from "../model/pieces";

/** Texts to be coloured. */
export interface Question {
  readonly id: number;
  readonly language: Language;
  readonly texts: readonly string[];
}

/** The tokens of each line of each text; null when they could not be told. */
export interface Answer {
  readonly id: number;
  readonly tokens: Token[][][] | null;
}

type Told = (tokens: Answer["tokens"]) => void;

const waiting = new Map<number, Told>();
let worker: Worker | undefined;
let asked = 0;

/** Has texts coloured by a worker, which starts with the first of them. It answers in the order it is asked. */
export function tokensOf(language: Language, texts: readonly string[]): Promise<Answer["tokens"]> {
  worker ??= started();
  const question: Question = { id: (asked += 1), language, texts };
  worker.postMessage(question);
  return new Promise((tell) => waiting.set(question.id, tell));
}

function started(): Worker {
  const fresh = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
  fresh.addEventListener("message", ({ data: { id, tokens } }: MessageEvent<Answer>) => {
    waiting.get(id)?.(tokens);
    waiting.delete(id);
  });
  return fresh;
}
