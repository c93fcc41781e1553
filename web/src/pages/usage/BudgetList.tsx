import { heldOf, spentOf } from "~/live/budgets";
import { useBudgets } from "~/live/useBudgets";
import { Bar } from "./Bar";
import * as texts from "~/texts";

/** What agents may spend, and what is spent of it, as it changes; nothing where there are no budgets. */
export function BudgetList() {
  const { budgets, failed } = useBudgets();
  if (failed !== null) return <p className="text-bad">{failed}</p>;
  if (budgets.length === 0) return null;
  return (
    <section aria-labelledby="budgets" className="rounded-xl border border-line p-4">
      <h2 id="budgets" className="text-xs text-faint">
        {texts.billing.budgets}
      </h2>
      <ul className="mt-2 flex flex-col gap-3">
        {budgets.map((budget) => {
          const whose = texts.billing.whose(texts.billing.scope(budget.scope), budget.name);
          const period = texts.billing.period(budget.period, budget.runKey ?? "");
          return (
            <li key={budget.key}>
              <p className="mb-1 flex flex-wrap items-baseline gap-x-3 text-sm">
                <span>{whose}</span>
                <span className="text-soft tabular-nums">{spentOf(budget)}</span>
                <span className="text-faint tabular-nums">{heldOf(budget)}</span>
                {budget.interrupts && <span className="text-faint">{texts.billing.interrupts}</span>}
                {budget.state === "SPENT" && <span className="text-bad">{texts.billing.waits}</span>}
                {budget.state === "HELD" && <span className="text-warn">{texts.billing.waitsForTurns}</span>}
              </p>
              <Bar
                label={`${whose}, ${texts.billing.unit(budget.unit)}, ${period}`}
                used={budget.spent}
                limit={budget.limit}
              />
            </li>
          );
        })}
      </ul>
    </section>
  );
}
