"""What `relaycast usage` says of the month."""

from broker.cli.plans.usage import show_month


def test_the_month_is_told_with_what_it_comes_to_once_that_can_be_said() -> None:
    month = {"month": "2026-11-01", "cost_usd": 1000.0, "estimated_usd": 0.0, "projected_usd": 3000.0}
    assert list(show_month(month)) == ["$1,000.00 this month; at this pace $3,000.00 by its end"]
    assert list(show_month({**month, "estimated_usd": 1.0})) == [
        "about $1,001.00 this month; at this pace about $3,000.00 by its end, partly estimated"
    ]
    assert list(show_month({**month, "projected_usd": None})) == []
    assert list(show_month(None)) == []
