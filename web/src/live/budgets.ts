import { grouped, money } from "~/design/number";
import { graphql, type ResultOf } from "./wire/graphql";
import * as texts from "~/texts";

/** How budgets stand, as it changes. */
export const BUDGETS = graphql(`
  subscription Budgets {
    budgets {
      key
      scope
      ofKey
      name
      unit
      period
      runKey
      state
      limit
      spent
      held
      interrupts
      isEstimated
    }
  }
`);
export type Budget = ResultOf<typeof BUDGETS>["budgets"][number];

function amount(count: number, { unit }: Budget): string {
  return unit === "USD" ? money(count) : grouped(Math.round(count));
}

/** As `$1.20 of $25.00 today, partly estimated`. */
export function spentOf(budget: Budget): string {
  const unit = budget.unit === "USD" ? "" : ` ${texts.billing.unit(budget.unit)}`;
  const estimated = budget.isEstimated ? `, ${texts.billing.partlyEstimated}` : "";
  const limit = amount(budget.limit, budget);
  // What each run may spend is spent by none: those have lines of their own.
  if (budget.period === "RUN" && budget.runKey === null) return `${limit}${unit} ${texts.billing.eachRun}`;
  const amounts = texts.billing.spentOf(amount(budget.spent, budget), limit);
  return `${amounts}${unit} ${texts.billing.period(budget.period, budget.runKey ?? "")}${estimated}`;
}

/** What is kept for running turns; empty for nothing. */
export const heldOf = (budget: Budget): string =>
  budget.held > 0 && budget.state !== "SPENT" ? texts.billing.held(amount(budget.held, budget)) : "";
