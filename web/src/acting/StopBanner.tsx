import { useState } from "react";
import { toast } from "~/app/toast";
import { Button } from "~/design/Button";
import { Icon } from "~/design/Icon";
import { Timestamp } from "~/design/Timestamp";
import type { Stop } from "~/live/documents";
import { useLive, useWorkspace } from "~/live/LiveContext";
import { placeWords } from "~/live/stops";
import { act } from "./act";
import { RESUME_ALL } from "./documents";
import { placeOf } from "./stopping";
import { useMayStop, useStop } from "./useStop";
import * as texts from "~/texts";

/** Says who has stopped a place, when and why, and lets it go on for who may. */
export function StopBanner({ stop }: { stop: Stop }) {
  return (
    <div
      role="status"
      className="flex min-h-9 shrink-0 flex-wrap items-center gap-x-2 gap-y-1 bg-warn-soft px-4 py-1 text-xs font-medium text-warn"
    >
      <Icon name="stop" width="13" height="13" />
      <span className="min-w-0 flex-1 break-words">
        {stop.by} {texts.acting.stoppedBy} {placeWords(stop)} {texts.acting.stoppedAt}{" "}
        <Timestamp at={Date.parse(stop.at)} className="tabular-nums" />
        {stop.note && `: ${stop.note}`}. {became(stop)}
      </span>
      <ResumeButton stop={stop} />
    </div>
  );
}

/** The stop of the whole workspace, which is over every page. */
export function WorkspaceStopBanner() {
  const stop = useStop({ scope: "WORKSPACE", ofKey: null });
  return stop ? <StopBanner stop={stop} /> : null;
}

/** Lets a place go on, for who may. */
export function ResumeButton({ stop }: { stop: Stop }) {
  const { queries } = useLive();
  const workspace = useWorkspace();
  const [busy, setBusy] = useState(false);
  if (!useMayStop(stop)) return null;
  const place = placeWords(stop);
  const resume = async () => {
    setBusy(true);
    const done = await act(queries, RESUME_ALL, { ...placeOf(stop), note: "" });
    setBusy(false);
    workspace.refreshSoon();
    if (done.done) toast(texts.acting.resumed(place));
    else toast(texts.acting.resumeFailed, { description: done.message, failed: true });
  };
  return (
    <Button
      size="small"
      disabled={busy}
      aria-label={texts.acting.resumePlace(place)}
      onClick={() => void resume()}
    >
      {texts.acting.resume}
    </Button>
  );
}

function became({ how, agents, finished }: Stop): string {
  const count = agents === 1 ? texts.shared.oneAgent : texts.shared.agents(agents);
  const done = how === "RELEASE" ? texts.acting.releasedCount(count) : texts.acting.pausedCount(count);
  return texts.acting.stopState(finished ? done : texts.acting.soFar(done));
}
