"""What follows from a subscription, from one moment to the next."""

from dataclasses import replace

import pytest

from broker.domain.errors import BadRequest
from broker.domain.logs.meters import COUNTERS
from broker.domain.plans.billing import (
    BILLED,
    LIVE,
    OVERDUE,
    PaymentNews,
    Phase,
    Standing,
    Subscription,
    SubscriptionStatus,
    follow,
    is_about_subscriptions,
    require_billable,
    standing,
)
from broker.domain.plans.plans import BUILT_IN, Meter, Metered, Plan

DAY = 86_400_000
NOW = 100 * DAY
ONE = Subscription(
    id="sub_1",
    status=SubscriptionStatus.ACTIVE,
    plan=Plan.TEAM,
    seats=3,
    item="si_1",
    period_start_ms=NOW - DAY,
    period_end_ms=NOW + DAY,
)
OVERDUE_ONE = replace(ONE, status=SubscriptionStatus.PAST_DUE, unpaid_since_ms=NOW)


def test_there_is_no_subscription_until_one_has_begun() -> None:
    assert standing(None, now_ms=NOW) == Standing(phase=Phase.NONE)
    for status in (SubscriptionStatus.INCOMPLETE, SubscriptionStatus.INCOMPLETE_EXPIRED):
        assert standing(replace(ONE, status=status), now_ms=NOW).phase is Phase.NONE


@pytest.mark.parametrize(
    ("changes", "phase", "until_ms"),
    [
        ({}, Phase.PAID, NOW + DAY),
        ({"status": SubscriptionStatus.TRIALING, "trial_ends_ms": NOW + 5}, Phase.TRIAL, NOW + 5),
        ({"cancels_at_ms": NOW + 7}, Phase.ENDING, NOW + 7),
        ({"status": SubscriptionStatus.TRIALING, "cancels_at_ms": NOW + 7}, Phase.ENDING, NOW + 7),
    ],
)
def test_what_is_paid_has_its_plan(changes: dict[str, object], phase: Phase, until_ms: int) -> None:
    found = standing(replace(ONE, **changes), now_ms=NOW)  # type: ignore[arg-type]  # fields of it
    assert found == Standing(phase=phase, plan=Plan.TEAM, until_ms=until_ms)
    assert found.is_of_subscription


@pytest.mark.parametrize(
    ("days", "phase", "plan"),
    [
        (0, Phase.GRACE, Plan.TEAM),
        (13.999, Phase.GRACE, Plan.TEAM),
        (14, Phase.READ_ONLY, Plan.TEAM),
        (27.999, Phase.READ_ONLY, Plan.TEAM),
        (28, Phase.ENDED, Plan.FREE),
    ],
)
def test_what_is_overdue_has_its_plan_for_14_days_and_is_free_after_28(days: float, phase: Phase, plan: Plan) -> None:
    for status in OVERDUE:
        found = standing(replace(OVERDUE_ONE, status=status), now_ms=NOW + int(days * DAY))
        assert (found.phase, found.plan, found.is_read_only) == (phase, plan, phase is Phase.READ_ONLY)


def test_what_has_ended_is_free() -> None:
    for status in (SubscriptionStatus.CANCELED, SubscriptionStatus.PAUSED):
        assert standing(replace(ONE, status=status), now_ms=NOW) == Standing(phase=Phase.ENDED, plan=Plan.FREE)


def test_every_status_has_a_standing() -> None:
    for status in SubscriptionStatus:
        found = standing(replace(ONE, status=status), now_ms=NOW)
        assert found.is_of_subscription is (status in LIVE - {SubscriptionStatus.PAUSED})


def test_a_debt_stays_as_old_as_it_is_while_another_joins_it_and_goes_when_it_is_paid() -> None:
    later = replace(OVERDUE_ONE, unpaid_since_ms=NOW + 30 * DAY)
    assert follow(OVERDUE_ONE, later) == OVERDUE_ONE
    assert follow(None, later) == later
    assert follow(OVERDUE_ONE, replace(later, id="sub_2")) == replace(later, id="sub_2")
    assert follow(OVERDUE_ONE, ONE) == ONE
    assert follow(OVERDUE_ONE, None) is None


def test_only_news_of_a_customers_subscription_is_followed() -> None:
    def news(type_: str, customer: str | None = "cus_1") -> bool:
        return is_about_subscriptions(PaymentNews(id="evt_1", type=type_, customer=customer))

    assert all(map(news, ("customer.subscription.updated", "invoice.paid", "checkout.session.completed")))
    assert not news("invoice.paid", None)
    assert not any(map(news, ("charge.refunded", "balance.available", "of.next.year")))


def test_every_meter_that_is_billed_has_its_counter() -> None:
    assert set(COUNTERS) == BILLED


@pytest.mark.parametrize(
    ("meters", "said"),
    [
        ({Meter.LOG_BYTES: Metered(cents=1)}, "has a price for log_bytes, which Stripe is not told of"),
        ({Meter.MESSAGES: Metered(per=3, cents=1)}, "the price of one of messages has more than 12 decimal places"),
    ],
)
def test_plans_that_stripe_cannot_bill_are_refused(meters: dict[Meter, Metered], said: str) -> None:
    require_billable(BUILT_IN)
    table = replace(BUILT_IN, terms={**BUILT_IN.terms, Plan.PRO: replace(BUILT_IN[Plan.PRO], meters=meters)})
    with pytest.raises(BadRequest, match=said):
        require_billable(table)
