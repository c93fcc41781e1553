import { Suspense, type ReactNode } from "react";
import { Icon } from "~/design/Icon";
import { compact, grouped, money } from "~/design/number";
import { Table } from "~/design/Table";
import { lazily } from "~/live/wire/code";
import type { Series } from "./DayChart";
import { spent, stacked, type Day } from "./model/days";
import { Reported } from "./Reported";
import { SaveTable } from "./SaveTable";
import * as texts from "~/texts";

const DayChart = lazily(() => import("./DayChart").then((m) => ({ default: m.DayChart })));

/** Tokens and cost of each day, as charts with a table behind each. */
export function ByDay({ days }: { days: readonly Day[] }) {
  // What came from caches is part of what went in for some vendors: it is told, and not laid on top.
  const [input, output] = stacked([days.map((day) => day.inputTokens), days.map((day) => day.outputTokens)]);
  const parts: Series[] = [
    {
      title: texts.usage.in,
      color: "--accent",
      tops: input ?? [],
      values: days.map((day) => day.inputTokens),
    },
    {
      title: texts.usage.out,
      color: "--warn",
      tops: output ?? [],
      values: days.map((day) => day.outputTokens),
    },
  ];
  const reported = days.map((day) => day.costUsd);
  const [costs, all] = stacked([reported, days.map((day) => day.estimatedUsd)]);
  const shown = [...days].reverse();
  const dayColumn = { title: texts.usage.day, cell: (day: Day) => day.day };
  return (
    <>
      <Figure
        title={texts.usage.tokensPerDay}
        nothing={days.every((day) => spent(day) === 0) && texts.usage.noTokens}
        chart={
          <DayChart
            title={texts.usage.tokensPerDay}
            days={days.map((day) => day.day)}
            series={parts}
            shown={compact}
          />
        }
        table={
          <Table
            caption={texts.usage.tokensPerDay}
            rows={shown}
            rowKey={(day) => day.day}
            columns={[
              dayColumn,
              {
                title: texts.usage.in,
                numeric: true,
                cell: (day) => <Reported value={day.inputTokens} shown={grouped} />,
              },
              {
                title: texts.usage.out,
                numeric: true,
                cell: (day) => <Reported value={day.outputTokens} shown={grouped} />,
              },
              {
                title: texts.usage.fromCaches,
                numeric: true,
                cell: (day) => <Reported value={day.cachedTokens} shown={grouped} />,
              },
            ]}
          />
        }
      />
      <Figure
        title={texts.usage.costPerDay}
        save={<SaveTable name="usage-by-day" rows={() => table(shown)} />}
        nothing={(all ?? []).every((cost) => cost === 0) && texts.usage.noCost}
        chart={
          <DayChart
            title={texts.usage.costPerDay}
            days={days.map((day) => day.day)}
            series={[
              { title: texts.usage.cost, color: "--accent", tops: costs ?? [], values: reported },
              {
                title: texts.usage.estimate,
                color: "--warn",
                tops: all ?? [],
                values: days.map((day) => day.estimatedUsd),
              },
            ]}
            shown={money}
          />
        }
        table={
          <Table
            caption={texts.usage.costPerDay}
            rows={shown}
            rowKey={(day) => day.day}
            columns={[
              dayColumn,
              {
                title: texts.usage.cost,
                numeric: true,
                cell: (day) => <Reported value={day.costUsd} shown={money} />,
              },
              {
                title: texts.usage.estimate,
                numeric: true,
                cell: (day) => <Reported value={day.estimatedUsd} shown={money} />,
              },
              { title: texts.usage.turns, numeric: true, cell: (day) => grouped(day.turns) },
              { title: texts.usage.messages, numeric: true, cell: (day) => grouped(day.messages) },
            ]}
          />
        }
      />
    </>
  );
}

interface FigureProps {
  title: string;
  /** What stands there instead when there is nothing to show. */
  nothing: string | false;
  chart: ReactNode;
  table: ReactNode;
  save?: ReactNode;
}

function table(days: readonly Day[]) {
  const figures = days.map((one) => [
    one.day,
    one.inputTokens,
    one.outputTokens,
    one.cachedTokens,
    one.costUsd,
    one.estimatedUsd,
    one.turns,
    one.messages,
  ]);
  const { day, fromCaches, cost, estimate, turns, messages } = texts.usage;
  return [[day, texts.usage.in, texts.usage.out, fromCaches, cost, estimate, turns, messages], ...figures];
}

function Figure({ title, nothing, chart, table, save }: FigureProps) {
  return (
    <section aria-label={title} className="rounded-xl border border-line">
      <div className="flex items-center justify-between px-4 pt-3">
        <h2 className="text-xs text-faint">{title}</h2>
        {save}
      </div>
      {nothing ? (
        <p className="px-4 pt-2 pb-4 text-faint">{nothing}</p>
      ) : (
        <div className="px-2 py-2">
          <Suspense fallback={<div className="h-56" />}>{chart}</Suspense>
        </div>
      )}
      <details className="group border-t border-line">
        <summary className="flex min-h-9 list-none items-center gap-1.5 px-4 text-xs text-soft select-none hover:bg-hover pointer-coarse:min-h-11 [&::-webkit-details-marker]:hidden">
          <Icon name="chevron" width="12" height="12" className="transition-transform group-open:rotate-90" />
          {texts.usage.asTable}
        </summary>
        <div className="max-h-96 overflow-y-auto border-t border-line text-xs">{table}</div>
      </details>
    </section>
  );
}
