"""Names that may stand in a line on a terminal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.errors import BadRequest
from broker.domain.names import LONGEST_NAME, printable_name, show_name


@pytest.mark.parametrize("text", ["", "  ", "a\nb", "a\tb", "\x1b[31m", "a\u202eb", "a\u200bb", "\ud800", "x" * 101])
def test_a_name_that_hides_something_is_refused(text: str) -> None:
    with pytest.raises(BadRequest) as refused:
        printable_name(text, "a token's name")
    assert refused.value.code == "INVALID_NAME"


@pytest.mark.parametrize("text", ["CI", "Ada's laptop", "日本", "x" * 100, " Ada "])
def test_a_name_in_any_language_is_taken(text: str) -> None:
    assert printable_name(text, "a token's name") == text.strip()


@given(st.text(max_size=300))
def test_whatever_a_machine_is_called_can_be_shown(text: str) -> None:
    shown = show_name(text)
    assert shown.isprintable()
    assert 0 < len(shown) <= LONGEST_NAME
    assert show_name(shown) == shown
