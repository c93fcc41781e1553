import type { MouseEvent } from "react";
import { toast } from "~/app/toast";
import { Timestamp } from "~/design/Timestamp";
import { moment } from "~/design/time";
import * as texts from "~/texts";

/** When an entry began, as the link to it; pressed, it is copied. */
export function EntryLink({ at, cursor, className }: { at: number; cursor: string; className?: string }) {
  const href = `${location.pathname}?entry=${encodeURIComponent(cursor)}`;
  const copy = (event: MouseEvent) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    void navigator.clipboard.writeText(new URL(href, location.href).href).then(
      () => toast(texts.session.linkCopied),
      () => toast(texts.session.linkNotCopied, { failed: true }),
    );
  };
  return (
    <a
      href={href}
      title={texts.session.copyLink}
      aria-label={texts.session.copyLinkOf(moment(at))}
      onClick={copy}
      className={className}
    >
      <Timestamp
        at={at}
        className="rounded text-2xs text-faint tabular-nums hover:text-text hover:underline"
      />
    </a>
  );
}
