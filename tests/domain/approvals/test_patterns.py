"""Patterns against texts of which parts are not known."""

import fnmatch
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.approvals.patterns import UNKNOWN, Match, pattern

_PATTERNS = st.text(alphabet="ab*?[]!", max_size=8)
_TEXTS = st.text(alphabet="ab[]!", max_size=8)


@pytest.mark.parametrize(
    ("wanted", "text", "found"),
    [
        ("rm *", "rm x", Match.MUST),
        ("rm *", "rm", Match.NO),
        ("rm *", f"rm {UNKNOWN}", Match.MUST),
        ("rm *", f"{UNKNOWN} x", Match.MAY),
        ("rm *", f"r{UNKNOWN}m x", Match.MAY),
        ("rm *", f"ls {UNKNOWN}", Match.NO),
        ("*.env", f"{UNKNOWN}.py", Match.NO),
        ("*.env", f".e{UNKNOWN}", Match.MAY),
        ("*.env", f"{UNKNOWN}.env", Match.MUST),
        ("a?c", f"a{UNKNOWN}c", Match.MAY),
        ("a*c", f"a{UNKNOWN}c", Match.MUST),
        ("*", UNKNOWN, Match.MUST),
        ("", UNKNOWN, Match.MAY),
        ("", "", Match.MUST),
        ("app/[id]/page.tsx", "app/[id]/page.tsx", Match.MUST),
        ("app/[id]/page.tsx", "app/i/page.tsx", Match.MUST),
        ("app/[[]id]/page.tsx", "app/[id]/page.tsx", Match.MUST),
        ("app/[[]id]/page.tsx", "app/i/page.tsx", Match.NO),
        ("*[id]*", "x[id]y", Match.MUST),
        ("a[", "a[", Match.MUST),
    ],
)
def test_a_pattern_covers_a_text_always_perhaps_or_never(wanted: str, text: str, found: Match) -> None:
    assert pattern(wanted).match(text) is found


@given(_PATTERNS, _TEXTS)
def test_a_known_text_matches_as_file_names_do_or_with_plain_brackets(wanted: str, text: str) -> None:
    plain = wanted.replace("[", "[[]")
    expected = fnmatch.fnmatchcase(text, wanted) or fnmatch.fnmatchcase(text, plain)
    assert pattern(wanted).match(text) is (Match.MUST if expected else Match.NO)


@given(_PATTERNS, _TEXTS, _TEXTS, _TEXTS)
def test_an_answer_holds_for_every_value_of_what_is_unknown(wanted: str, before: str, value: str, after: str) -> None:
    found = pattern(wanted).match(f"{before}{UNKNOWN}{after}")
    real = pattern(wanted).match(f"{before}{value}{after}")
    assert real is Match.MUST or found is not Match.MUST
    assert real is Match.NO or found is not Match.NO


@given(st.text(alphabet="ab*", max_size=6), st.text(alphabet="ab", max_size=4), st.text(alphabet="ab", max_size=4))
def test_perhaps_is_said_only_where_some_value_makes_it_so(wanted: str, before: str, after: str) -> None:
    if pattern(wanted).match(f"{before}{UNKNOWN}{after}") is Match.MAY:
        values = [re.sub(r"\*", "", wanted), *(wanted.replace("*", "")[i:j] for i in range(7) for j in range(i, 7))]
        assert any(pattern(wanted).match(f"{before}{value}{after}") is Match.MUST for value in values)
