import { lazy, Suspense, type ReactNode } from "react";
import { Icon } from "~/design/Icon";
import { compact, grouped, money } from "~/design/number";
import { Table } from "~/design/Table";
import type { Series } from "./DayChart";
import { spent, stacked, type Day } from "./model/days";

const DayChart = lazy(() => import("./DayChart").then((m) => ({ default: m.DayChart })));

/** Tokens and cost of each day, as charts with a table behind each. */
export function ByDay({ days }: { days: readonly Day[] }) {
  // What came from caches is part of what went in for some vendors: it is told, and not laid on top.
  const [input, output] = stacked([days.map((day) => day.inputTokens), days.map((day) => day.outputTokens)]);
  const parts: Series[] = [
    { title: "In", color: "--accent", tops: input ?? [], values: days.map((day) => day.inputTokens) },
    { title: "Out", color: "--warn", tops: output ?? [], values: days.map((day) => day.outputTokens) },
  ];
  const costs = days.map((day) => day.costUsd);
  const shown = [...days].reverse();
  const dayColumn = { title: "Day (UTC)", cell: (day: Day) => day.day };
  return (
    <>
      <Figure
        title="Tokens per day"
        nothing={days.every((day) => spent(day) === 0) && "No vendor reported tokens in this time."}
        chart={
          <DayChart title="Tokens per day" days={days.map((day) => day.day)} series={parts} shown={compact} />
        }
        table={
          <Table
            caption="Tokens per day"
            rows={shown}
            rowKey={(day) => day.day}
            columns={[
              dayColumn,
              { title: "In", numeric: true, cell: (day) => grouped(day.inputTokens) },
              { title: "Out", numeric: true, cell: (day) => grouped(day.outputTokens) },
              { title: "From caches", numeric: true, cell: (day) => grouped(day.cachedTokens) },
            ]}
          />
        }
      />
      <Figure
        title="Cost per day"
        nothing={costs.every((cost) => cost === 0) && "No vendor reported what it cost in this time."}
        chart={
          <DayChart
            title="Cost per day"
            days={days.map((day) => day.day)}
            series={[{ title: "Cost", color: "--accent", tops: costs, values: costs }]}
            shown={money}
          />
        }
        table={
          <Table
            caption="Cost per day"
            rows={shown}
            rowKey={(day) => day.day}
            columns={[
              dayColumn,
              { title: "Cost", numeric: true, cell: (day) => money(day.costUsd) },
              { title: "Turns", numeric: true, cell: (day) => grouped(day.turns) },
              { title: "Messages", numeric: true, cell: (day) => grouped(day.messages) },
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
}

function Figure({ title, nothing, chart, table }: FigureProps) {
  return (
    <section aria-label={title} className="rounded-xl border border-line">
      <h2 className="px-4 pt-3 text-xs text-faint">{title}</h2>
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
          As a table
        </summary>
        <div className="max-h-96 overflow-y-auto border-t border-line text-xs">{table}</div>
      </details>
    </section>
  );
}
