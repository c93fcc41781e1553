import { ResumeButton } from "~/acting/StopBanner";
import { StopButton } from "~/acting/StopButton";
import { useStop } from "~/acting/useStop";
import { Badge } from "~/design/Badge";
import { Icon } from "~/design/Icon";
import { Tooltip } from "~/design/Tooltip";
import type { Proxy } from "~/live/documents";
import { useWorkspace } from "~/live/LiveContext";
import { useReadable } from "~/live/useReadable";
import { whose } from "./whose";
import * as texts from "~/texts";

/** The linked machines and the agent CLIs found on each. */
export function Machines({ machines }: { machines: readonly Proxy[] }) {
  if (machines.length === 0) return null;
  return (
    <section aria-labelledby="machines">
      <h2 id="machines" className="mb-2 px-1 text-xs text-faint">
        {texts.home.machines}
      </h2>
      <ul className="grid gap-2 sm:grid-cols-2">
        {machines.map((machine) => (
          <li key={machine.key} className="flex flex-col gap-2 rounded-xl border border-line px-4 py-3">
            <div className="flex items-center gap-2">
              <Icon name="machine" className="text-faint" />
              <span className="min-w-0 flex-1 truncate font-medium">{machine.name}</span>
              <Badge tone={machine.online ? "good" : "neutral"}>{machine.online ? "online" : "away"}</Badge>
            </div>
            <Stopping machine={machine} />
            <p className="text-xs text-faint">
              {[
                machine.version && `relay-connect ${machine.version}`,
                whose(machine),
                machine.agents === 1 ? texts.shared.oneAgent : texts.shared.agents(machine.agents),
                ...machine.labels,
              ]
                .filter(Boolean)
                .join(" · ")}
            </p>
            <ul className="flex flex-wrap gap-1.5">
              {machine.clis.map((cli) => (
                <li key={cli.cli}>
                  <Tooltip
                    text={cli.problem ?? texts.home.programOver(cli.cli, cli.version ?? "", cli.transport)}
                  >
                    <button type="button" className="rounded">
                      <Badge tone={cli.supported ? "neutral" : "warn"}>
                        {cli.cli} {cli.version}
                      </Badge>
                      {cli.problem && <span className="sr-only">: {cli.problem}</span>}
                    </button>
                  </Tooltip>
                </li>
              ))}
            </ul>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Stopping({ machine }: { machine: Proxy }) {
  const target = { scope: "MACHINE", ofKey: machine.key, name: machine.name } as const;
  const stop = useStop(target);
  const all = useReadable(useWorkspace().agents);
  const agents = all.state === "ready" ? all.value : [];
  const here = agents.filter((agent) => !agent.ended && agent.proxyKey === machine.key);
  if (stop)
    return (
      <p className="flex items-center gap-2 text-xs text-warn">
        <span className="min-w-0 flex-1 break-words">
          {texts.home.stoppedBy} {stop.by}
          {stop.note && `: ${stop.note}`}
        </span>
        <ResumeButton stop={stop} />
      </p>
    );
  return (
    <div className="empty:hidden">
      <StopButton target={target} agents={here.map((agent) => agent.name)} />
    </div>
  );
}
