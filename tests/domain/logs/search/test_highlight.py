"""Where terms stand in a text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.logs.search.highlight import Span, excerpt, highlights
from broker.domain.logs.search.query import Phrase, Substring, Term, Word


def shown(text: str, *terms: Term) -> list[str]:
    return [text[span.start : span.end] for span in highlights(text, terms)]


@pytest.mark.parametrize(
    ("text", "term", "found"),
    [
        ("Exit code exited EXIT", Word("exit"), ["Exit", "EXIT"]),
        ("exit_code", Word("code"), ["code"]),
        ("café cafe", Word("caf"), []),
        ("Éa éa", Word("éa"), ["éa"]),
        ("exit:  1, exit 10", Phrase("exit 1"), ["exit:  1"]),
        ("a foo-bar b", Phrase("foo_bar"), ["foo-bar"]),
        ("reconnect", Substring("CONN"), ["conn"]),
        ("a=>b", Substring("=>"), ["=>"]),
        ("anything", Phrase("--"), []),
        ("日本語のログ検索", Substring("ログ"), ["ログ"]),
        ("cafe\u0301 caf\xe9", Word("caf\xe9"), ["cafe\u0301", "caf\xe9"]),
        ("cafe\u0301 caf\xe9", Substring("fe\u0301"), ["fe\u0301", "f\xe9"]),
    ],
)
def test_terms_match_as_the_index_does(text: str, term: Term, found: list[str]) -> None:
    assert shown(text, term) == found


def test_matches_that_overlap_or_touch_are_one() -> None:
    assert highlights("npm install", [Substring("npm in"), Word("install")]) == (Span(0, 11),)


def test_an_excerpt_shows_the_first_match_and_what_was_left_out() -> None:
    text = "first words " * 20 + "then the needle " + "last words " * 20
    found = excerpt(text, [Word("needle")], width=60)
    (span,) = found.spans
    assert found.text[span.start : span.end] == "needle"
    assert found.text.startswith("…")
    assert found.text.endswith("…")
    assert len(found.text) <= 60


def test_a_short_text_is_shown_whole() -> None:
    assert excerpt("all of it", [Word("of")]).text == "all of it"


@given(st.text(max_size=400), st.lists(st.builds(Substring, st.text(min_size=1, max_size=3))), st.integers(0, 80))
def test_an_excerpt_is_bounded_and_its_spans_lie_inside(text: str, terms: list[Term], width: int) -> None:
    found = excerpt(text, terms, width=width)
    assert len(found.text) <= max(width, 8)
    for span in found.spans:
        assert 0 <= span.start < span.end <= len(found.text)
    if highlights(text, terms):
        assert found.spans
