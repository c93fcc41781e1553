import { useEffect, useState } from "react";
import { heldOf, spentOf, type Budget } from "~/live/budgets";
import { Bar } from "./Bar";
import { ask, type Answered } from "./billing";
import * as texts from "~/texts";

/** What agents may spend, and what is spent of it; nothing where there are no budgets. */
export function BudgetList() {
  const [answer, setAnswer] = useState<Answered<{ budgets: readonly Budget[] }>>();
  useEffect(() => {
    void ask<{ budgets: readonly Budget[] }>("GET", "/v1/budgets").then(setAnswer);
  }, []);
  if (!answer) return null;
  if ("refused" in answer) return <p className="text-bad">{answer.refused}</p>;
  const { budgets } = answer.value;
  if (budgets.length === 0) return null;
  return (
    <section aria-labelledby="budgets" className="rounded-xl border border-line p-4">
      <h2 id="budgets" className="text-xs text-faint">
        {texts.billing.budgets}
      </h2>
      <ul className="mt-2 flex flex-col gap-3">
        {budgets.map((budget) => {
          const whose = texts.billing.whose(budget.scope, budget.name);
          return (
            <li key={`${budget.scope} ${budget.name} ${budget.unit} ${budget.period}`}>
              <p className="mb-1 flex flex-wrap items-baseline gap-x-3 text-sm">
                <span>{whose}</span>
                <span className="text-soft tabular-nums">{spentOf(budget)}</span>
                <span className="text-faint tabular-nums">{heldOf(budget)}</span>
                {budget.interrupts && <span className="text-faint">{texts.billing.interrupts}</span>}
                {budget.is_spent && <span className="text-bad">{texts.billing.waits}</span>}
              </p>
              <Bar
                label={`${whose}, ${texts.billing.unit(budget.unit)}, ${texts.billing.period(budget.period)}`}
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
