"""The table of plans: what is refused, in which words, and what a month costs."""

from dataclasses import fields, replace

import pytest

from broker.domain.errors import PlanLimitReached
from broker.domain.plans.plans import BUILT_IN, Feature, Limit, Limits, Meter, Metered, Plan, PlanTable
from broker.domain.plans.shown import show_plans


def test_every_limit_has_a_figure() -> None:
    assert {each.name for each in fields(Limits)} == set(Limit)


def test_the_published_plans_are_the_ones_of_the_price_list() -> None:
    shown = {plan: (each.price_cents, each.per_seat, each.limits.log_days) for plan, each in BUILT_IN.terms.items()}
    assert shown == {Plan.FREE: (0, False, 7), Plan.PRO: (2900, False, 90), Plan.TEAM: (9900, True, 365)}
    agents = {plan: BUILT_IN.limits(plan).agents for plan in Plan}
    assert agents == {Plan.FREE: 1, Plan.PRO: 10, Plan.TEAM: 0}
    assert BUILT_IN.limits(Plan.FREE).messages_per_day == 100
    assert [BUILT_IN.has(plan, Feature.HOOKS) for plan in Plan] == [False, True, True]


def test_a_refusal_says_what_how_much_of_it_which_plan_has_more_and_where() -> None:
    table = replace(BUILT_IN, link="https://relay.example/usage")
    refused = table.refusal(Plan.FREE, Limit.MESSAGES, resets_at_ms=5)
    assert refused.message == (
        "the plan free allows 100 messages a day, and there are no more left: wait until 00:00 UTC, or change to the"
        " plan pro, which has no such limit (https://relay.example/usage)"
    )
    assert (refused.code, refused.http_status, refused.retryable, refused.retry_after_s) == (
        "PLAN_LIMIT",
        402,
        False,
        None,
    )
    assert refused.details == {
        "what": "messages_per_day",
        "limit": 100,
        "plan": "free",
        "plan_with_more": "pro",
        "link": "https://relay.example/usage",
        "resets_at_ms": 5,
    }


@pytest.mark.parametrize(
    ("plan", "what", "said"),
    [
        (Plan.FREE, Limit.AGENTS, "are no more left: release one, or change to the plan pro, which has 10 ("),
        (Plan.PRO, Limit.MEMBERS, "change to the plan team, which has no such limit (ask who runs this broker)"),
        (Plan.FREE, Feature.HOOKS, "the plan free has no hooks: change to the plan pro, which has them (ask"),
    ],
)
def test_the_next_larger_plan_is_named(plan: Plan, what: Limit | Feature, said: str) -> None:
    assert said in BUILT_IN.refusal(plan, what).message


def test_where_no_plan_has_more_that_is_said() -> None:
    alone = PlanTable(terms={plan: replace(BUILT_IN[Plan.FREE], plan=plan, features=frozenset()) for plan in Plan})
    refused = alone.refusal(Plan.TEAM, Limit.AGENTS)
    assert refused.message.endswith("release one, or no plan has more")
    assert refused.details["plan_with_more"] is None
    with pytest.raises(PlanLimitReached, match="no plan has more"):
        alone.require_feature(Plan.TEAM, Feature.HOOKS)


def test_a_month_is_the_price_and_what_went_beyond_what_is_included() -> None:
    metered = {Meter.MESSAGES: Metered(included=1000, per=100, cents=5)}
    terms = replace(BUILT_IN[Plan.TEAM], meters=metered)
    assert terms.month_cents({Meter.MESSAGES: 1000}, seats=3) == 3 * 9900
    assert terms.month_cents({Meter.MESSAGES: 1009}, seats=3) == 3 * 9900
    assert terms.month_cents({Meter.MESSAGES: 1010}, seats=3) == 3 * 9900 + 1
    assert terms.month_cents({Meter.MESSAGES: 1100}, seats=3) == 3 * 9900 + 5
    assert BUILT_IN[Plan.PRO].month_cents({Meter.MESSAGES: 10**9}, seats=7) == 2900


@pytest.mark.parametrize(
    ("per", "cents", "unit"), [(1, 5, "5"), (100, 5, "0.05"), (8000, 1, "0.000125"), (3, 1, None), (3, 3, "1")]
)
def test_the_price_of_one_unit_is_exact_or_there_is_none(per: int, cents: int, unit: str | None) -> None:
    assert Metered(per=per, cents=cents).unit_cents == unit


def test_the_table_is_shown_with_what_each_plan_has() -> None:
    lines = list(show_plans(BUILT_IN))
    assert lines[0] == "Free (free): $0 a month"
    assert "Team (team): $99 a month for each person" in lines
    assert [line.split()[1:] for line in lines if line.startswith("  also")] == [
        ["-"],
        ["hooks,", "workflows"],
        ["hooks,", "workflows,", "audit,", "sso"],
    ]
