import { heldOf, spentOf, type Budget } from "~/live/budgets";
import { classes } from "~/design/classes";
import * as texts from "~/texts";

/** How budgets stand, a line each; nothing where there are none. */
export function BudgetLines({ budgets, of }: { budgets: readonly Budget[]; of: string }) {
  const mine = budgets.filter((budget) => budget.of === of);
  return mine.map((budget) => (
    <span
      key={`${budget.scope} ${budget.unit} ${budget.period}`}
      className={classes("mt-0.5 block text-2xs", budget.is_spent ? "text-bad" : "text-faint")}
    >
      {texts.session.budget(budget.scope)} {spentOf(budget)}
      {heldOf(budget) && `, ${heldOf(budget)}`}
      {budget.is_spent && `: ${texts.billing.waits}`}
    </span>
  ));
}
