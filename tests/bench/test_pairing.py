"""What counts as worse, as better, and as noise."""

import pytest

from tests.bench.pairing import Pair, paired, section


def pair(before: list[float], after: list[float], *, higher_is_better: bool = False) -> Pair:
    return Pair(name="x", before=before, after=after, higher_is_better=higher_is_better)


@pytest.mark.parametrize(
    ("before", "after", "higher_is_better", "verdict"),
    [
        ([1.0, 1.1, 1.0], [2.0, 2.1, 2.0], False, "WORSE by more than noise"),
        ([2.0, 2.1, 2.0], [1.0, 1.1, 1.0], False, "better"),
        ([1.0, 1.1, 1.0], [2.0, 2.1, 2.0], True, "better"),
        ([2.0, 2.1, 2.0], [1.0, 1.1, 1.0], True, "WORSE by more than noise"),
        ([1.0, 1.3, 1.0], [1.1, 1.2, 1.2], False, "same"),
        ([1.0, 1.0, 1.0], [1.1, 1.1, 1.1], False, "WORSE by more than noise"),
        ([1.0, 1.0, 1.0], [1.1, 1.5, 1.1], False, "same"),
        ([1.0, 1.0, 1.0], [1.02, 1.02, 1.02], False, "same"),
        ([1.0], [5.0], False, "one round"),
    ],
)
def test_a_change_counts_when_it_is_larger_than_the_rounds_of_one_version_differ(
    before: list[float], after: list[float], higher_is_better: bool, verdict: str
) -> None:
    assert pair(before, after, higher_is_better=higher_is_better).verdict == verdict


def test_the_ratio_is_of_the_medians() -> None:
    assert pair([1.0, 2.0, 9.0], [3.0, 4.0, 5.0]).ratio == 2.0


def test_a_figure_that_one_version_does_not_have_is_left_out() -> None:
    pairs = paired([{"a": 1.0, "b": 1.0}], [{"a": 2.0}], higher_is_better=frozenset({"a"}))
    assert [(each.name, each.higher_is_better) for each in pairs] == [("a", True)]


def test_both_ranges_are_shown() -> None:
    (row,) = section([pair([1.0, 2.0, 3.0], [4.0, 5.0, 6.0])], names=("old", "new")).rows
    assert row[1:4] == ("2.00 (1.00 … 3.00)", "5.00 (4.00 … 6.00)", 2.5)
