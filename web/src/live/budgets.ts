import { grouped, money } from "~/design/number";
import * as texts from "~/texts";

/** What may be spent (`GET /v1/budgets`). */
export interface Budget {
  readonly scope: string;
  /** The id of the session, agent or member; null for the workspace. */
  readonly of: string | null;
  readonly name: string;
  readonly unit: "usd" | "tokens" | "turns" | "minutes";
  readonly period: "day" | "month" | "total";
  readonly limit: number;
  readonly spent: number;
  readonly held: number;
  readonly is_spent: boolean;
  readonly interrupts: boolean;
  readonly is_estimated: boolean;
}

function amount(count: number, { unit }: Budget): string {
  return unit === "usd" ? money(count) : grouped(Math.round(count));
}

/** As `$1.20 of $25.00 today, partly estimated`. */
export function spentOf(budget: Budget): string {
  const unit = budget.unit === "usd" ? "" : ` ${texts.billing.unit(budget.unit)}`;
  const amounts = texts.billing.spentOf(amount(budget.spent, budget), amount(budget.limit, budget));
  const estimated = budget.is_estimated ? `, ${texts.billing.partlyEstimated}` : "";
  return `${amounts}${unit} ${texts.billing.period(budget.period)}${estimated}`;
}

/** What is kept for running turns; empty for nothing. */
export const heldOf = (budget: Budget): string =>
  budget.held > 0 && !budget.is_spent ? texts.billing.held(amount(budget.held, budget)) : "";
