import { heldOf, spentOf, type Budget } from "~/live/budgets";
import { classes } from "~/design/classes";
import * as texts from "~/texts";

/** How budgets stand, a line each; nothing where there are none. */
export function BudgetLines({ budgets, of }: { budgets: readonly Budget[]; of: string }) {
  const mine = budgets.filter((budget) => budget.ofKey === of);
  return mine.map((budget) => (
    <span
      key={budget.key}
      className={classes("mt-0.5 block text-2xs", budget.state === "SPENT" ? "text-bad" : "text-faint")}
    >
      {texts.session.budget(budget.scope)} {spentOf(budget)}
      {heldOf(budget) && `, ${heldOf(budget)}`}
      {budget.state === "SPENT" && `: ${texts.billing.waits}`}
    </span>
  ));
}
