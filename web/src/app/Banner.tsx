import type { ReactNode } from "react";
import { Button } from "~/design/Button";
import { classes } from "~/design/classes";
import { useNow } from "~/design/now";
import { BASE } from "~/live/base";
import { isGuest, setShare } from "~/live/guest";
import { useLive } from "~/live/LiveContext";
import { notices, type Notice } from "~/live/notices";
import { useReadable } from "~/live/useReadable";

/** What is true of the connection, said whenever what is shown may not be the present. */
export function Banner() {
  const live = useLive();
  const connection = useReadable(live.connection.state);
  const outdated = useReadable(live.outdated);
  const notice = useReadable(notices);
  const now = useNow();
  if (outdated)
    return (
      <Line tone="accent" action={<Reload />}>
        Relaycast was updated. Reload to use the new version.
      </Line>
    );
  switch (connection.state) {
    case "live":
      return notice ? <NoticeLine notice={notice} /> : isGuest() && <GuestLine />;
    case "connecting":
      return live.connection.everLive ? (
        <Line tone="warn">Connecting again…</Line>
      ) : (
        <Line tone="quiet">Connecting…</Line>
      );
    case "reconnecting": {
      const seconds = Math.max(0, Math.ceil((connection.retryAt - now) / 1000));
      return (
        <Line
          tone="warn"
          action={
            <Button look="quiet" size="small" onClick={() => live.connection.retry()}>
              Try now
            </Button>
          }
        >
          Not live: {connection.because}. Reconnecting {seconds > 0 ? `in ${seconds} s` : "now"}…
        </Line>
      );
    }
    case "offline":
      return <Line tone="warn">You are offline. What you see is from before.</Line>;
    case "signed-out":
      return <Line tone="bad">{connection.because} Ask for a new link: relaycast sign-in</Line>;
    case "ended":
      return (
        <Line tone="bad" action={<Reload />}>
          Not live: {connection.because}.
        </Line>
      );
  }
}

/** So that nobody who is signed in wonders what became of the rest. */
function GuestLine() {
  return (
    <Line
      tone="quiet"
      action={
        <Button
          look="quiet"
          size="small"
          onClick={() => {
            setShare(null);
            location.assign(BASE);
          }}
        >
          Leave
        </Button>
      }
    >
      You see what a link shares, as a viewer, in this tab alone.
    </Line>
  );
}

function NoticeLine({ notice }: { notice: Notice }) {
  switch (notice.type) {
    case "replayed":
      return (
        <Line tone="good">
          Live again: replayed {notice.count} {notice.count === 1 ? "event" : "events"}.
        </Line>
      );
    case "gap":
      return (
        <Line tone="warn" action={<Reload />}>
          Some history between then and now is gone from the broker. Reload to see what is kept.
        </Line>
      );
  }
}

function Reload() {
  return (
    <Button look="quiet" size="small" onClick={() => location.reload()}>
      Reload
    </Button>
  );
}

const TONES = {
  quiet: "bg-sunk text-faint",
  good: "bg-good-soft text-good",
  warn: "bg-warn-soft text-warn",
  bad: "bg-bad-soft text-bad",
  accent: "bg-accent-soft text-accent-text",
};

function Line({
  tone,
  action,
  children,
}: {
  tone: keyof typeof TONES;
  action?: ReactNode;
  children: ReactNode;
}) {
  return (
    <div
      role="status"
      className={classes(
        "flex min-h-8 shrink-0 items-center justify-center gap-2 px-3 text-xs font-medium",
        TONES[tone],
      )}
    >
      <span>{children}</span>
      {action}
    </div>
  );
}
