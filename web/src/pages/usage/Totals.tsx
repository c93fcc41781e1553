import { compact, grouped, money } from "~/design/number";
import type { Counters } from "./model/days";

/** What the whole time amounts to. */
export function Totals({ all, count }: { all: Counters; count: number }) {
  const figures = [
    ["Tokens in", compact(all.inputTokens)],
    ["Tokens out", compact(all.outputTokens)],
    ["From caches", compact(all.cachedTokens)],
    ["Cost, as reported", money(all.costUsd)],
    ["Turns", grouped(all.turns)],
    ["Messages", grouped(all.messages)],
  ] as const;
  return (
    <section aria-label={`The last ${count} days in all`}>
      <dl className="grid grid-cols-2 gap-px overflow-hidden rounded-xl border border-line bg-line sm:grid-cols-3 lg:grid-cols-6">
        {figures.map(([title, figure]) => (
          <div key={title} className="flex flex-col-reverse justify-end bg-surface px-4 py-3">
            <dd className="text-lg font-semibold tabular-nums">{figure}</dd>
            <dt className="text-2xs text-faint">{title}</dt>
          </div>
        ))}
      </dl>
    </section>
  );
}
