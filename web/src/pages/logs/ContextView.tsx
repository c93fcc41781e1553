import { useEffect, useRef } from "react";
import { Button } from "~/design/Button";
import { Empty } from "~/design/Empty";
import { Icon } from "~/design/Icon";
import { LineRow } from "./LineRow";
import { useAddress } from "./useAddress";
import { useContextLines } from "./useContextLines";
import * as texts from "~/texts";

/** One line among those before and after it: what a permalink shows. */
export function ContextView({ session, line }: { session: string; line: string }) {
  const { go } = useAddress();
  const { state, lines, hasEarlier, hasLater, message, more } = useContextLines(session, line);
  const chosen = useRef<HTMLDivElement>(null);
  const ready = state === "ready";
  useEffect(() => {
    if (ready) chosen.current?.scrollIntoView({ block: "center" });
  }, [ready]);
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <div className="flex min-h-10 shrink-0 flex-wrap items-center gap-2 border-b border-line px-3 text-xs text-faint">
        <Button size="small" look="quiet" onClick={() => go({ line: undefined })}>
          <Icon name="arrow" width="12" height="12" className="rotate-180" />
          {texts.logs.back}
        </Button>
        <code className="min-w-0 truncate">{line}</code>
        <CopyLink />
      </div>
      {state === "loading" && <p className="px-4 py-3 text-faint">{texts.shared.loading}</p>}
      {(state === "missing" || state === "failed") && (
        <Empty title={state === "missing" ? texts.logs.lineGone : texts.logs.notRead}>{message}</Empty>
      )}
      {ready && (
        <section aria-label={texts.logs.inContext} className="min-h-0 flex-1 overflow-y-auto py-1">
          {hasEarlier && <More title={texts.logs.earlier} onMore={() => more("earlier")} />}
          {lines.map((one) => (
            <div key={one.cursor} ref={one.cursor === line ? chosen : undefined}>
              <LineRow line={one} session={session} chosen={one.cursor === line} />
            </div>
          ))}
          {hasLater && <More title={texts.logs.later} onMore={() => more("later")} />}
        </section>
      )}
    </div>
  );
}

function More({ title, onMore }: { title: string; onMore: () => void }) {
  return (
    <div className="flex justify-center py-1">
      <Button size="small" look="quiet" onClick={onMore}>
        {title}
      </Button>
    </div>
  );
}

function CopyLink() {
  return (
    <Button
      size="small"
      className="ml-auto"
      onClick={() => void navigator.clipboard.writeText(location.href)}
    >
      <Icon name="link" width="12" height="12" />
      {texts.logs.copyLink}
    </Button>
  );
}
