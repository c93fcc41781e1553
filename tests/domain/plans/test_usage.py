"""What a month comes to at its pace."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from broker.domain.plans.usage import Counts, month_cost


@pytest.mark.parametrize(
    ("now", "projected"),
    [
        ("2026-11-01T00:00:00+00:00", None),
        ("2026-11-02T11:59:00+00:00", None),  # of the first hours nothing is concluded
        ("2026-11-11T00:00:00+00:00", 90),
        ("2026-11-30T23:59:59.999999+00:00", 30),
        ("2026-02-15T00:00:00+00:00", 60),
        ("2026-12-16T12:00:00+00:00", 60),
    ],
)
def test_a_months_cost_goes_on_as_it_went(now: str, projected: float | None) -> None:
    found = month_cost(Counts(cost_usd=20, estimated_usd=10), now=datetime.fromisoformat(now))
    assert (found.projected_usd is None) is (projected is None)
    assert (found.projected_usd or 0) == pytest.approx(projected or 0, rel=1e-6)
    assert (found.cost_usd, found.estimated_usd) == (20, 10)


def test_months_are_those_of_utc() -> None:
    late = datetime(2026, 3, 1, 1, 30, tzinfo=timezone(timedelta(hours=5)))
    assert month_cost(Counts(), now=late).month == date(2026, 2, 1)
    assert month_cost(Counts(), now=datetime(2026, 12, 31, tzinfo=UTC)).month == date(2026, 12, 1)
