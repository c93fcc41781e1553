import { Link } from "@tanstack/react-router";
import { ResumeButton } from "~/acting/StopBanner";
import { StopButton } from "~/acting/StopButton";
import { useStop } from "~/acting/useStop";
import { classes } from "~/design/classes";
import { Icon } from "~/design/Icon";
import { useNow } from "~/design/now";
import { duration, whole } from "~/design/time";
import type { Proxy } from "~/live/documents";
import { useWorkspace } from "~/live/LiveContext";
import { useReadable } from "~/live/useReadable";
import * as texts from "~/texts";

/** The linked machines, those that are away first. */
export function Machines({ machines }: { machines: readonly Proxy[] }) {
  if (machines.length === 0) return null;
  const listed = [...machines].sort((one, other) => Number(one.online) - Number(other.online));
  return (
    <section
      aria-labelledby="machines"
      className="max-h-26 shrink-0 overflow-y-auto border-t border-line py-2 sm:max-h-40"
    >
      <h2 id="machines" className="px-4 pb-1 text-xs text-faint">
        {texts.home.machines}
      </h2>
      <ul className="grid pointer-coarse:gap-y-2 sm:grid-cols-2 xl:grid-cols-3">
        {listed.map((machine) => (
          <li key={machine.key} className="flex min-h-9 min-w-0 items-center gap-2 px-4">
            <Icon
              name="machine"
              className={classes("shrink-0", machine.online ? "text-faint" : "text-bad")}
            />
            <Link
              to="/machine/$key"
              params={{ key: machine.key }}
              className="min-w-0 truncate font-medium hover:underline"
            >
              {machine.name}
            </Link>
            <Standing machine={machine} />
            <Stopping machine={machine} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Standing({ machine }: { machine: Proxy }) {
  const now = useNow();
  const since = Date.parse(machine.since);
  const agents = machine.agents === 1 ? texts.shared.oneAgent : texts.shared.agents(machine.agents);
  return (
    <span
      title={whole(since)}
      className={classes("flex-1 truncate text-xs", machine.online ? "text-faint" : "text-bad")}
    >
      {machine.online ? agents : texts.home.awayFor(duration(Math.max(1000, now - since)))}
    </span>
  );
}

/** Stops the machine's agents, or lets them go on. */
export function Stopping({ machine }: { machine: Proxy }) {
  const target = { scope: "MACHINE", ofKey: machine.key, name: machine.name } as const;
  const stop = useStop(target);
  const all = useReadable(useWorkspace().agents);
  const agents = all.state === "ready" ? all.value : [];
  const here = agents.filter((agent) => !agent.ended && agent.proxyKey === machine.key);
  if (stop)
    return (
      <p className="flex min-w-0 items-center gap-2 text-xs text-warn">
        <span className="min-w-0 truncate" title={stop.note}>
          {texts.home.stoppedBy} {stop.by}
          {stop.note && `: ${stop.note}`}
        </span>
        <ResumeButton stop={stop} />
      </p>
    );
  return <StopButton target={target} agents={here.map((agent) => agent.name)} />;
}
