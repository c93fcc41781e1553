import { compact, grouped, money } from "~/design/number";
import type { Counters } from "./model/days";
import { Reported } from "./Reported";
import * as texts from "~/texts";

/** What the whole time amounts to. */
export function Totals({ all, count }: { all: Counters; count: number }) {
  const figures = [
    [texts.usage.tokensIn, <Reported value={all.inputTokens} shown={compact} />],
    [texts.usage.tokensOut, <Reported value={all.outputTokens} shown={compact} />],
    [texts.usage.fromCaches, <Reported value={all.cachedTokens} shown={compact} />],
    [texts.usage.costReported, <Reported value={all.costUsd} shown={money} />],
    ...(all.estimatedUsd > 0
      ? [[texts.usage.estimate, texts.usage.about(money(all.estimatedUsd))] as const]
      : []),
    [texts.usage.turns, grouped(all.turns)],
    [texts.usage.messages, grouped(all.messages)],
  ] as const;
  return (
    <section aria-label={texts.usage.lastDays(count)}>
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
