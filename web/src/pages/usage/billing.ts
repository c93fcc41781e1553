export type Phase = "none" | "trial" | "paid" | "ending" | "grace" | "read_only" | "ended";

/** Where the workspace stands with its payments (`GET /v1/billing`). */
export interface Billing {
  readonly configured: boolean;
  readonly plan: string;
  readonly phase: Phase;
  readonly until_ms: number | null;
  readonly subscription: {
    readonly seats: number;
    readonly period_start_ms: number;
    readonly period_end_ms: number;
  } | null;
}

export interface Limit {
  readonly what: string;
  readonly used: number;
  readonly limit: number | null;
  readonly over: number;
  /** Null for what does not begin anew. */
  readonly resets_at_ms: number | null;
}

/** What a smaller plan has left as it is. */
export interface Beyond {
  readonly what: string;
  /** Null for logs. */
  readonly count: number | null;
  readonly until_ms: number | null;
  readonly safe_until_ms: number | null;
}

export interface Terms {
  readonly plan: string;
  readonly title: string;
  readonly price_cents: number;
  readonly per_seat: boolean;
}

/** The plan, what is used of it, and all plans there are (`GET /v1/plan`). */
export interface Standing extends Terms {
  readonly limits: readonly Limit[];
  readonly beyond: readonly Beyond[];
  readonly log_days: number;
  readonly plans: readonly Terms[];
  /** What this month costs; null where nobody can say it now. */
  readonly month: MonthCost | null;
}

/** What agents have cost since the first of the month, and what that comes to at its end; null: too early to say. */
export interface MonthCost {
  readonly cost_usd: number;
  readonly estimated_usd: number;
  readonly projected_usd: number | null;
}

export interface Invoice {
  readonly id: string;
  readonly number: string | null;
  readonly status: string;
  readonly created_ms: number;
  readonly total_cents: number;
  readonly refunded_cents: number;
  readonly url: string | null;
}
