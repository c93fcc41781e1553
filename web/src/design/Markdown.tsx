import { Suspense, useMemo, useState } from "react";
import { withoutEscapes } from "./ansi/escapes";
import { folded, growing, type Fold } from "./code/folding";
import { grouped } from "./number";
import { Seen } from "./Seen";
import * as texts from "~/texts";
import { lazily } from "~/live/wire/code";

const Rendered = lazily(() => import("./MarkdownRendered").then((m) => ({ default: m.MarkdownRendered })));

/**
 * Text as its author meant it to look; until the renderer is loaded it stands there as it was written. Of a long one the
 * beginning is drawn, of one that is still being written the end, until somebody asks for all of it.
 */
export function Markdown({ text, streaming = false }: { text: string; streaming?: boolean }) {
  const [all, setAll] = useState(false);
  const plain = useMemo(() => withoutEscapes(text), [text]);
  const fold = useMemo(() => (streaming ? growing(plain) : folded(plain)), [plain, streaming]);
  if (fold === null) return <Drawn text={plain} />;
  const button = <Unfold fold={fold} all={all} onClick={() => setAll(!all)} />;
  return (
    <div className="flex flex-col items-start gap-1">
      {streaming && button}
      <div className="w-full">
        <Drawn text={all ? plain : fold.shown} />
      </div>
      {!streaming && button}
    </div>
  );
}

function Drawn({ text }: { text: string }) {
  return (
    <Suspense
      fallback={
        <div className="break-words whitespace-pre-wrap">
          <Seen text={text} />
        </div>
      }
    >
      <Rendered text={text} />
    </Suspense>
  );
}

function Unfold({ fold, all, onClick }: { fold: Fold; all: boolean; onClick: () => void }) {
  const { lines, letters } = fold;
  return (
    <button
      type="button"
      aria-expanded={all}
      onClick={onClick}
      className="rounded text-xs text-accent-text underline underline-offset-2 pointer-coarse:min-h-10"
    >
      {all
        ? texts.design.fold
        : lines > 1
          ? texts.design.unfold(grouped(lines))
          : texts.design.unfoldLine(grouped(letters))}
    </button>
  );
}
