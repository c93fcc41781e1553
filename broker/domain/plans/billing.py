"""A workspace's subscription at Stripe: what is known of it here, and what follows from that for its plan.

Stripe is the truth; what lies in our store is a copy. A payment that fails leaves everything as it is for 14 days, then
the workspace is read-only for 14 more, then it is on the plan Free. Paying ends any of it at once.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from broker.domain.errors import BadRequest
from broker.domain.ids import WorkspaceId
from broker.domain.plans.plans import Meter, Plan, PlanTable
from broker.domain.timings import TIMINGS


class SubscriptionStatus(StrEnum):
    """As Stripe has it."""

    INCOMPLETE = "incomplete"
    INCOMPLETE_EXPIRED = "incomplete_expired"
    TRIALING = "trialing"
    ACTIVE = "active"
    PAST_DUE = "past_due"
    UNPAID = "unpaid"
    PAUSED = "paused"
    CANCELED = "canceled"


OVERDUE = frozenset({SubscriptionStatus.PAST_DUE, SubscriptionStatus.UNPAID})
LIVE = OVERDUE | {SubscriptionStatus.TRIALING, SubscriptionStatus.ACTIVE, SubscriptionStatus.PAUSED}
"""There can be no second one beside it."""
_NEVER_BEGAN = frozenset({SubscriptionStatus.INCOMPLETE, SubscriptionStatus.INCOMPLETE_EXPIRED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """The copy of one."""

    id: str
    status: SubscriptionStatus
    plan: Plan
    seats: int
    item: str
    """Stripe's id of what the plan itself is billed by; its quantity is the seats."""
    period_start_ms: int
    period_end_ms: int
    trial_ends_ms: int | None = None
    cancels_at_ms: int | None = None
    """It was cancelled, and goes on until then."""
    unpaid_since_ms: int | None = None
    """When what is overdue was billed."""

    @property
    def is_live(self) -> bool:
        """Whether it can still be changed."""
        return self.status in LIVE


class Phase(StrEnum):
    """Where a workspace stands with its payments."""

    NONE = "none"
    """There never was a subscription: its plan is whatever it was given."""
    TRIAL = "trial"
    PAID = "paid"
    ENDING = "ending"
    """Paid, and cancelled for the end of the period."""
    GRACE = "grace"
    """A payment is overdue; nothing has changed yet."""
    READ_ONLY = "read_only"
    """A payment is overdue: nothing new is sent or started."""
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What holds at one moment."""

    phase: Phase
    plan: Plan | None = None
    """None: what it was given."""
    until_ms: int | None = None
    """When the next phase comes by itself."""

    @property
    def is_read_only(self) -> bool:
        """Whether nothing new is sent or started."""
        return self.phase is Phase.READ_ONLY

    @property
    def is_of_subscription(self) -> bool:
        """Whether a subscription decides the plan, against whatever else was said."""
        return self.phase not in {Phase.NONE, Phase.ENDED}


def standing(subscription: Subscription | None, *, now_ms: int) -> Standing:
    """What follows from a subscription."""
    if subscription is None or subscription.status in _NEVER_BEGAN:
        return Standing(phase=Phase.NONE)
    if subscription.status in OVERDUE:
        return _overdue(subscription, now_ms=now_ms)
    if subscription.status not in LIVE or subscription.status is SubscriptionStatus.PAUSED:
        return Standing(phase=Phase.ENDED, plan=Plan.FREE)
    if subscription.cancels_at_ms is not None:
        return Standing(phase=Phase.ENDING, plan=subscription.plan, until_ms=subscription.cancels_at_ms)
    if subscription.status is SubscriptionStatus.TRIALING:
        return Standing(phase=Phase.TRIAL, plan=subscription.plan, until_ms=subscription.trial_ends_ms)
    return Standing(phase=Phase.PAID, plan=subscription.plan, until_ms=subscription.period_end_ms)


def _overdue(subscription: Subscription, *, now_ms: int) -> Standing:
    since = now_ms if subscription.unpaid_since_ms is None else subscription.unpaid_since_ms
    grace_ends = since + TIMINGS.billing_grace_s * 1000
    all_ends = grace_ends + TIMINGS.billing_read_only_s * 1000
    if now_ms < grace_ends:
        return Standing(phase=Phase.GRACE, plan=subscription.plan, until_ms=grace_ends)
    if now_ms < all_ends:
        return Standing(phase=Phase.READ_ONLY, plan=subscription.plan, until_ms=all_ends)
    return Standing(phase=Phase.ENDED, plan=Plan.FREE)


def follow(before: Subscription | None, fresh: Subscription | None) -> Subscription | None:
    """The copy after Stripe was asked again: an overdue payment stays as old as it is, though another one joins it."""
    if before is None or fresh is None or before.id != fresh.id or fresh.status not in OVERDUE:
        return fresh
    known = [each for each in (before.unpaid_since_ms, fresh.unpaid_since_ms) if each is not None]
    return replace(fresh, unpaid_since_ms=min(known, default=None))


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    """One of a customer's, as Stripe lists it."""

    id: str
    number: str | None
    status: str
    created_ms: int
    total_cents: int
    paid_cents: int
    refunded_cents: int
    url: str | None
    """Where it can be seen and paid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentNews:
    """What a webhook told of: nothing of it is believed but which customer to ask about."""

    id: str
    type: str
    customer: str | None


def is_about_subscriptions(news: PaymentNews) -> bool:
    """Whether it can change what is copied; all else is acknowledged and left."""
    return news.customer is not None and news.type.startswith(
        ("customer.subscription.", "invoice.", "checkout.session.", "customer.deleted")
    )


BILLED = frozenset({Meter.MESSAGES, Meter.AGENT_MINUTES, Meter.HOOK_RUNS, Meter.WORKFLOW_RUNS})
"""The meters that Stripe is told of."""
REPORTED_DAYS = 34
"""Stripe takes what is at most 35 days old."""
SURE_MS = 20 * 3600 * 1000
"""Stripe knows an identifier again for 24 hours at least; after this we ask it for its sum instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsagePart:
    """Units of a day that were put aside to be reported: what is sent again is the same, whoever sends it."""

    day: date
    meter: Meter
    first: int
    """So many of that day were reported before."""
    last: int
    """So many are behind it."""
    claimed_ms: int
    base: int = 0
    """So many were used before there was a customer: they are reported never."""

    @property
    def units(self) -> int:
        """What is reported."""
        return self.last - self.first

    @property
    def at_s(self) -> int:
        """When they count, on that day whatever the time is now."""
        end_of_day = datetime.combine(self.day + timedelta(days=1), datetime.min.time(), UTC).timestamp()
        return min(self.claimed_ms // 1000, int(end_of_day) - 1)

    def identifier(self, workspace: WorkspaceId) -> str:
        """The same for the same part."""
        whose = hashlib.sha256(workspace.encode()).hexdigest()[:24]
        return f"{self.day}:{self.meter}:{self.first}-{self.last}:{whose}"


def require_billable(table: PlanTable) -> None:
    """That Stripe can bill what the table says. Raises `BadRequest`."""
    for terms in table.terms.values():
        for meter, metered in terms.meters.items():
            if metered.cents and meter not in BILLED:
                raise BadRequest(f"the plan {terms.plan} has a price for {meter}, which Stripe is not told of")
            if metered.cents and metered.unit_cents is None:
                raise BadRequest(f"the plan {terms.plan}: the price of one of {meter} has more than 12 decimal places")
