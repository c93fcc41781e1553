import { lazy, Suspense } from "react";

const Rendered = lazy(() => import("./MarkdownRendered").then((m) => ({ default: m.MarkdownRendered })));

/** Text as its author meant it to look. Until the renderer is loaded it stands there as it was written. */
export function Markdown({ text }: { text: string }) {
  return (
    <Suspense fallback={<div className="break-words whitespace-pre-wrap">{text}</div>}>
      <Rendered text={text} />
    </Suspense>
  );
}
