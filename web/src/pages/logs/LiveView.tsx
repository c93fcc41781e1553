import { useLayoutEffect, useState } from "react";
import { Empty } from "~/design/Empty";
import { useLive } from "~/live/LiveContext";
import { useReadable } from "~/live/useReadable";
import { startCommand } from "~/live/startCommand";
import { AllLines } from "./AllLines";
import { LogTail } from "./logTail";
import { TailList } from "./TailList";
import { useAddress } from "./useAddress";
import * as texts from "~/texts";

/** A session's log as it is written. */
export function LiveView({ session }: { session: string }) {
  const live = useLive();
  const all = useAddress().address.all ?? false;
  const [tail, setTail] = useState<LogTail | null>(null);
  // Before the first picture, for the first lines are waited for.
  useLayoutEffect(() => {
    const opened = new LogTail(live, session, { all });
    // eslint-disable-next-line react-hooks/set-state-in-effect -- what is opened here must be closed here
    setTail(opened);
    return () => opened.close();
  }, [live, session, all]);
  return tail && <Followed tail={tail} session={session} />;
}

function Followed({ tail, session }: { tail: LogTail; session: string }) {
  const state = useReadable(tail.state);
  if (state.state === "loading") return <p className="px-4 py-3 text-faint">{texts.shared.loading}</p>;
  if (state.state === "missing" || (state.state === "failed" && tail.buffer.length === 0))
    return <Empty title={texts.logs.notRead}>{state.message}</Empty>;
  if (tail.buffer.length === 0)
    return (
      <>
        {/* What is left out may be all there is. */}
        <div className="flex justify-end border-b border-line px-3">
          <AllLines />
        </div>
        <Empty title={texts.logs.nothingYet} command={startCommand(session)}>
          {texts.logs.linesAppear}
        </Empty>
      </>
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
