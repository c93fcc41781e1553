"""The spans a newest-first search looks at."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from broker.domain.logs.search.windows import Window, first_window, next_window

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@given(founds=st.lists(st.integers(0, 50), max_size=30), idle=st.integers(0, 10_000))
def test_spans_touch_each_other_and_come_to_the_beginning(founds: list[int], idle: int) -> None:
    newest = NOON
    windows = [first_window(newest)]
    newest -= timedelta(hours=idle)
    for found in [*founds, *[0] * 20]:
        if windows[-1].reaches(None):
            break
        windows.append(next_window(windows[-1], newest, found=found, wanted=51))
    assert windows[0].until is None
    assert windows[-1].since is None
    assert all(later.since == earlier.until for later, earlier in pairwise(windows))


def test_the_newest_lines_are_looked_for_in_an_hour_and_in_what_lies_ahead_of_it() -> None:
    assert first_window(NOON) == Window(since=NOON - HOUR, until=None)


def test_after_an_idle_time_the_next_span_is_the_hour_before_it() -> None:
    newest = NOON - 15 * HOUR
    assert next_window(first_window(NOON), newest, found=0, wanted=51) == Window(since=newest - HOUR, until=NOON - HOUR)


def test_a_span_is_as_wide_as_the_hits_so_far_let_expect() -> None:
    first = first_window(NOON)
    assert next_window(first, NOON, found=10, wanted=50).since == NOON - 10 * HOUR
    assert next_window(first, NOON, found=50, wanted=1).since == NOON - 4 * HOUR
    assert next_window(first, NOON, found=1, wanted=51).since == NOON - 64 * HOUR
    assert next_window(first, NOON, found=0, wanted=51).since == NOON - 16 * HOUR


def test_a_search_ends_at_its_own_beginning() -> None:
    window = first_window(NOON)
    assert window.reaches(NOON - HOUR)
    assert not window.reaches(NOON - 2 * HOUR)
    assert not window.reaches(None)
