"""What is not seen where it stands, and what scripts need."""

from __future__ import annotations

import pytest

from broker.domain.unseen import FLAGS, is_hint, is_unseen

ENGLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a\u200db", 1),
        ("\u0645\u200ca", 1),
        ("a\ufe0f", 1),
        ("\u202eabc", 0),
        ("a\u2028b", 1),
        ("a\u3164", 1),
        ("\U000e0067", 0),
    ],
)
def test_what_hides_or_turns_what_is_around_it_is_unseen(text: str, place: int) -> None:
    assert is_unseen(text, place, exact=False)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("\u0645\u06cc\u200c\u062e", 2),
        ("\u0915\u094d\u200d\u0937", 2),
        ("\U0001f469\u200d\U0001f4bb", 1),
        ("1\ufe0f\u20e3", 1),
        ("\u2714\ufe0f", 1),
        ("\u845b\U000e0100", 1),
    ],
)
def test_what_a_script_or_a_picture_needs_is_not(text: str, place: int) -> None:
    assert not is_unseen(text, place, exact=True)


def test_a_space_that_only_looks_like_one_counts_where_it_is_looked_at_exactly() -> None:
    assert not is_unseen("a\u00a0b", 1, exact=False)
    assert is_unseen("a\u00a0b", 1, exact=True)


def test_hints_where_a_word_may_be_broken_are_no_more_than_that() -> None:
    assert is_hint("a\u00adb", 1)
    assert not is_hint("a\u00ad ", 1)
    assert is_hint("\u0e01\u200b\u0e01", 1)
    assert not is_hint("a\u200bb", 1)


def test_flags_that_are_spelt_with_tags_stand_apart() -> None:
    assert FLAGS.split(f"a{ENGLAND}b") == ["a", ENGLAND, "b"]
