import type { ReactNode } from "react";

/** What can be done; once that is over, `words` in its place, as high as it was: nothing below moves. */
export function StandsStill({ words, children }: { words: string | null; children: ReactNode }) {
  return (
    <div className="relative">
      {words !== null && <p className="absolute inset-0 text-xs text-soft">{words}</p>}
      <div inert={words !== null} className={words === null ? undefined : "invisible"}>
        {children}
      </div>
    </div>
  );
}
