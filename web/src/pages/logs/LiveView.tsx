import { useLayoutEffect, useState } from "react";
import { NothingYet } from "~/acting/NothingYet";
import { Empty } from "~/design/Empty";
import { useLive } from "~/live/LiveContext";
import { useReadable } from "~/live/useReadable";
import { startCommand } from "~/live/startCommand";
import { LiveTools } from "./LiveTools";
import { LogTail } from "./logTail";
import { TailList } from "./TailList";
import { useAddress } from "./useAddress";
import * as texts from "~/texts";

/** A session's log as it is written. */
export function LiveView({ session }: { session: string }) {
  const live = useLive();
  const { all = false, only = "" } = useAddress().address;
  const [tail, setTail] = useState<LogTail | null>(null);
  // Before the first picture, for the first lines are waited for.
  useLayoutEffect(() => {
    const opened = new LogTail(live, session, { all, only });
    // eslint-disable-next-line react-hooks/set-state-in-effect -- what is opened here must be closed here
    setTail(opened);
    return () => opened.close();
  }, [live, session, all, only]);
  return (
    <>
      <LiveTools />
      {tail && <Followed tail={tail} session={session} only={only} />}
    </>
  );
}

function Followed({ tail, session, only }: { tail: LogTail; session: string; only: string }) {
  const state = useReadable(tail.state);
  if (state.state === "loading") return <p className="px-4 py-3 text-faint">{texts.shared.loading}</p>;
  if (state.state === "missing" || (state.state === "failed" && tail.buffer.length === 0))
    return <Empty title={texts.logs.notRead}>{state.message}</Empty>;
  if (tail.buffer.length === 0)
    return only ? (
      <Empty title={texts.logs.noMatch}>{texts.logs.noneOfLatest}</Empty>
    ) : (
      <NothingYet
        title={texts.logs.nothingYet}
        how={texts.logs.startInSession}
        command={startCommand(session)}
      >
        {texts.logs.linesAppear}
      </NothingYet>
    );
  return (
    <>
      {state.gap && (
        <p role="status" className="border-b border-line bg-warn-soft px-4 py-1.5 text-xs text-warn">
          {texts.logs.tailGone}
        </p>
      )}
      {state.state === "failed" && (
        <p role="alert" className="border-b border-line bg-bad-soft px-4 py-1.5 text-xs text-bad">
          {texts.logs.notFollowed} {state.message}
        </p>
      )}
      <TailList tail={tail} state={state} session={session} />
    </>
  );
}
