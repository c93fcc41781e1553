import type { ReactNode } from "react";
import { Button } from "~/design/Button";
import { classes } from "~/design/classes";
import { useNow } from "~/design/now";
import { BASE } from "~/live/wire/base";
import { isGuest, setShare } from "~/live/wire/guest";
import { useLive } from "~/live/LiveContext";
import { notices, type Notice } from "~/live/notices";
import { useReadable } from "~/live/useReadable";
import * as texts from "~/texts";

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
        {texts.shell.updated}
      </Line>
    );
  switch (connection.state) {
    case "live":
      return notice ? <NoticeLine notice={notice} /> : isGuest() && <GuestLine />;
    case "connecting":
      return live.connection.everLive ? (
        <Line tone="warn">{texts.shell.reconnecting}</Line>
      ) : (
        <Line tone="quiet" floats>
          {texts.shell.connecting}
        </Line>
      );
    case "reconnecting": {
      const seconds = Math.max(0, Math.ceil((connection.retryAt - now) / 1000));
      return (
        <Line tone="warn" action={<TryNow />}>
          {seconds > 0
            ? texts.shell.reconnectingIn(connection.because, seconds)
            : texts.shell.reconnectingNow(connection.because)}
        </Line>
      );
    }
    case "offline":
      return (
        <Line tone="warn" action={<TryNow />}>
          {texts.shell.offline}
        </Line>
      );
    case "signed-out":
      return (
        <Line tone="bad">
          {connection.because} {texts.shell.askForLink}
        </Line>
      );
    case "ended":
      return (
        <Line tone="bad" action={<Reload />}>
          {texts.shell.disconnected(connection.because)}
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
          {texts.shell.leave}
        </Button>
      }
    >
      {texts.shell.shareNote}
    </Line>
  );
}

function NoticeLine({ notice }: { notice: Notice }) {
  switch (notice.type) {
    case "replayed":
      return (
        <Line tone="good">
          {notice.count === 1 ? texts.shell.caughtUpOne : texts.shell.caughtUp(notice.count)}
        </Line>
      );
    case "gap":
      return (
        <Line tone="warn" action={<Reload />}>
          {texts.shell.historyGone}
        </Line>
      );
  }
}

function TryNow() {
  const { connection } = useLive();
  return (
    <Button look="quiet" size="small" onClick={() => connection.retry()}>
      {texts.shell.tryNow}
    </Button>
  );
}

function Reload() {
  return (
    <Button look="quiet" size="small" onClick={() => location.reload()}>
      {texts.shared.reload}
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
  floats = false,
  children,
}: {
  tone: keyof typeof TONES;
  action?: ReactNode;
  /** It is gone in a moment: nothing is to move for it. */
  floats?: boolean;
  children: ReactNode;
}) {
  return (
    <div
      role="status"
      className={classes(
        "flex min-h-8 shrink-0 items-center justify-center gap-2 px-3 text-xs font-medium",
        TONES[tone],
        floats && "fixed inset-x-0 bottom-0 z-30",
      )}
    >
      <span>{children}</span>
      {action}
    </div>
  );
}
