"""What clients rely on does not go without a warning."""

import pytest

from graphql_api.compatibility import broken, find_commit
from graphql_api.schema import COMMITTED

BEFORE = """
type Query { kept(a: Int, old: Int @deprecated): Int! gone: Int old: Int @deprecated(reason: "use kept") mood: Mood }
enum Mood { GOOD BAD @deprecated }
"""
AFTER_DEPRECATION = "type Query { kept(a: Int): Int! gone: Int mood: Mood new: Int } enum Mood { GOOD }"


def test_what_was_deprecated_may_go_and_new_things_may_come() -> None:
    assert broken(BEFORE, AFTER_DEPRECATION) == []


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("gone: Int", ""),
        ("a: Int, ", ""),
        ("): Int!", "): Int"),
        ("{ GOOD", "{ GREAT"),
        ("(a: Int", "(a: Int!"),
    ],
)
def test_what_was_not_deprecated_must_stay(was: str, becomes: str) -> None:
    assert len(broken(BEFORE, BEFORE.replace(was, becomes))) == 1


def test_the_schema_as_it_stands_takes_nothing_away_from_the_last_commit() -> None:
    before = find_commit("HEAD")
    if before is None:  # an export has no history
        return
    assert broken(before, COMMITTED.read_text()) == [], "deprecate it first; it may go a release later"
