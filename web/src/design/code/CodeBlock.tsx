import { useRef } from "react";
import { DiffText } from "../diff/DiffText";
import { pieces } from "../diff/model/pieces";
import { Seen } from "../Seen";
import { CopyButton } from "./CopyButton";
import { useCodeTokens } from "./useCodeTokens";
import * as texts from "~/texts";

const DIFFS = new Set(["diff", "patch"]);

/** Fenced code: what it is in, a button that copies it, and its lines, coloured once they are near. */
export function CodeBlock({ language, code }: { language: string; code: string }) {
  const box = useRef<HTMLElement>(null);
  return (
    <figure ref={box} className="code">
      <figcaption>
        <span className="min-w-0 truncate">
          <Seen text={language} />
        </span>
        <CopyButton label={texts.design.copyCode} text={() => code} className="ml-auto" />
      </figcaption>
      {DIFFS.has(language.toLowerCase()) ? (
        <DiffText diff={code} className="diff" />
      ) : (
        <Lines language={language} code={code} box={box} />
      )}
    </figure>
  );
}

interface LinesProps {
  language: string;
  code: string;
  box: React.RefObject<HTMLElement | null>;
}

function Lines({ language, code, box }: LinesProps) {
  const tokens = useCodeTokens(language, code, box);
  const lines = code.split("\n");
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- long lines are scrolled by keyboard too
    <pre tabIndex={0}>
      <code>
        {tokens.length === 0 ? (
          <Seen text={code} />
        ) : (
          lines.map((line, number) => (
            <span key={number}>
              {pieces(line, tokens[number] ?? [], []).map((piece, place) => (
                <span key={place} data-syntax={piece.kind ?? undefined}>
                  <Seen text={piece.text} />
                </span>
              ))}
              {number < lines.length - 1 && "\n"}
            </span>
          ))
        )}
      </code>
    </pre>
  );
}
