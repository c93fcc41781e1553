"""Times of a search in the zone of the clock that people see."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from broker.domain.logs.search.language import parse
from broker.domain.logs.search.zone import in_zone

TOKYO, NEW_YORK = ZoneInfo("Asia/Tokyo"), ZoneInfo("America/New_York")
NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


def test_a_time_without_a_zone_is_of_the_clock_that_is_shown() -> None:
    asked = in_zone("pineapple since:2026-11-29T02:54 until:2026-11-30", TOKYO)
    assert asked == "pineapple since:2026-11-29T02:54:00+09:00 until:2026-11-30T00:00:00+09:00"
    assert parse(asked, now=NOW).since == datetime(2026, 11, 28, 17, 54, tzinfo=UTC)


def test_the_zone_is_as_it_was_on_that_day() -> None:
    assert in_zone("since:2026-07-01T10:00", NEW_YORK) == "since:2026-07-01T10:00:00-04:00"
    assert in_zone("since:2026-12-01T10:00", NEW_YORK) == "since:2026-12-01T10:00:00-05:00"


def test_a_time_in_quotes_is_one_too() -> None:
    assert in_zone('"a b" Since:"2026-11-29 02:54" c', TOKYO) == '"a b" since:2026-11-29T02:54:00+09:00 c'


@pytest.mark.parametrize(
    "query",
    [
        "",
        "since:2h",
        "since:2026-11-29T02:54Z",
        "until:2026-11-29T02:54+01:00",
        "since:yesterday",
        "2026-11-29T02:54",
        '"since:2026-11-29"',
        'since:2026-11-29 "never closed',
        "until:0001-01-01T00:00:00.1.1",
    ],
)
def test_all_else_stays_as_it_is(query: str) -> None:
    assert in_zone(query, TOKYO) == query
