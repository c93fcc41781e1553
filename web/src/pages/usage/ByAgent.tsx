import { AgentName } from "~/design/AgentName";
import { compact, grouped, money } from "~/design/number";
import { Table } from "~/design/Table";
import type { AgentUse } from "./documents";
import { heaviest, spent } from "./model/days";
import { Reported } from "./Reported";
import { SaveTable } from "./SaveTable";
import { useSessionNames } from "./useSessionNames";
import * as texts from "~/texts";

const CHARTED = 12;

/** Who used most, as bars with a table of all. */
export function ByAgent({ rows }: { rows: readonly AgentUse[] }) {
  const nameOf = useSessionNames();
  // What is of no agent, such as a machine that came, is counted too, and used nothing.
  const ordered = heaviest(rows.filter((row) => row.agent !== "" || spent(row) + row.messages > 0));
  const most = Math.max(1, ...ordered.map((row) => spent(row)));
  const charted = ordered.filter((row) => spent(row) > 0).slice(0, CHARTED);
  return (
    <section aria-label={texts.usage.byAgent} className="rounded-xl border border-line">
      <div className="flex items-center justify-between px-4 pt-3 pb-2">
        <h2 className="text-xs text-faint">{texts.usage.byAgentTitle}</h2>
        <SaveTable name="usage-by-agent" rows={() => table(ordered, nameOf)} />
      </div>
      {charted.length > 0 && (
        <ul aria-hidden="true" className="flex flex-col gap-2 px-4 py-3">
          {charted.map((row) => (
            <li
              key={keyOf(row)}
              className="grid grid-cols-[7rem_1fr_auto] items-center gap-3 text-xs sm:grid-cols-[10rem_1fr_auto]"
            >
              <span className="truncate">
                <AgentName name={row.agent ?? ""} />{" "}
                <span className="text-faint">{nameOf(row.sessionKey)}</span>
              </span>
              <span className="flex h-3 overflow-hidden rounded-sm bg-hover">
                <Part count={row.inputTokens} most={most} color="--accent" />
                <Part count={row.outputTokens} most={most} color="--warn" />
              </span>
              <span className="text-right text-soft tabular-nums">
                {compact(spent(row))}
                {row.costUsd > 0 && ` · ${money(row.costUsd)}`}
                {row.estimatedUsd > 0 && ` · ${texts.usage.about(money(row.estimatedUsd))}`}
              </span>
            </li>
          ))}
        </ul>
      )}
      <div className="max-h-112 overflow-y-auto border-t border-line text-xs">
        <Table
          caption={texts.usage.byAgentCaption}
          rows={ordered}
          rowKey={keyOf}
          columns={[
            { title: texts.usage.agent, cell: (row) => <AgentName name={row.agent ?? ""} /> },
            { title: texts.usage.session, cell: (row) => nameOf(row.sessionKey) },
            {
              title: texts.usage.in,
              numeric: true,
              cell: (row) => <Reported value={row.inputTokens} shown={grouped} />,
            },
            {
              title: texts.usage.out,
              numeric: true,
              cell: (row) => <Reported value={row.outputTokens} shown={grouped} />,
            },
            {
              title: texts.usage.fromCaches,
              numeric: true,
              cell: (row) => <Reported value={row.cachedTokens} shown={grouped} />,
            },
            {
              title: texts.usage.cost,
              numeric: true,
              cell: (row) => <Reported value={row.costUsd} shown={money} />,
            },
            {
              title: texts.usage.estimate,
              numeric: true,
              cell: (row) => <Reported value={row.estimatedUsd} shown={money} />,
            },
            { title: texts.usage.turns, numeric: true, cell: (row) => grouped(row.turns) },
            { title: texts.usage.messages, numeric: true, cell: (row) => grouped(row.messages) },
          ]}
        />
      </div>
    </section>
  );
}

function Part({ count, most, color }: { count: number; most: number; color: string }) {
  return <span style={{ width: `${(count / most) * 100}%`, background: `var(${color})` }} />;
}

function table(rows: readonly AgentUse[], nameOf: (key: string | null) => string) {
  const figures = rows.map((row) => [
    row.agent,
    nameOf(row.sessionKey),
    row.inputTokens,
    row.outputTokens,
    row.cachedTokens,
    row.costUsd,
    row.estimatedUsd,
    row.turns,
    row.messages,
  ]);
  const { agent, session, fromCaches, cost, estimate, turns, messages } = texts.usage;
  const columns = [
    agent,
    session,
    texts.usage.in,
    texts.usage.out,
    fromCaches,
    cost,
    estimate,
    turns,
    messages,
  ];
  return [columns, ...figures];
}

const keyOf = (row: AgentUse): string => `${row.sessionKey} ${row.agent}`;
