import { ResumeButton } from "~/acting/StopBanner";
import { StopButton } from "~/acting/StopButton";
import { useMayStop, useStop } from "~/acting/useStop";
import { useWorkspace } from "~/live/LiveContext";
import { useReadable } from "~/live/useReadable";
import * as texts from "~/texts";

const WORKSPACE = { scope: "WORKSPACE", ofKey: null, name: "" } as const;

/** Stop every agent of the workspace, for who administers it. */
export function StopWorkspace() {
  const stop = useStop(WORKSPACE);
  const all = useReadable(useWorkspace().agents);
  const agents = all.state === "ready" ? all.value.filter((agent) => !agent.ended) : [];
  if (!useMayStop(WORKSPACE)) return null;
  return (
    <section aria-labelledby="stop-all">
      <h2 id="stop-all" className="mb-1 text-base">
        {texts.settings.stopAll}
      </h2>
      <p className="mb-3 text-faint">{texts.settings.stopAllMeans}</p>
      {stop ? (
        <ResumeButton stop={stop} />
      ) : (
        <StopButton target={WORKSPACE} agents={agents.map((agent) => agent.name)} />
      )}
    </section>
  );
}
