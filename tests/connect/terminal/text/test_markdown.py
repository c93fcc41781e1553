import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from connect.terminal.text.layout import plain
from connect.terminal.text.markdown import render


def _shown(text: str, width: int = 40) -> str:
    return "\n".join(line.rstrip() for line in plain(render(text, width)).split("\n"))


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("# Plan\n\nI play **center** in `a_b.py`.", "Plan\n\nI play center in a_b.py."),
        ("- one\n  - two\n\n1. three", "• one\n  • two\n\n1. three"),
        ("```py\ndef x():\n    return 1\n```", "def x():\n    return 1"),
        ("> quoted", "▏ quoted"),
        ("|a|b|\n|-|-|\n|1|22|", "a │ b\n──┼───\n1 │ 22"),
        ("[bank](https://evil.example)", "bank (https://evil.example)"),
        ("See ![chart](data:image/png;base64,iVBORw0KGgo=) here", "See [picture: chart] here"),
    ],
)
def test_markdown_is_set(written: str, shown: str) -> None:
    assert _shown(written) == shown


@pytest.mark.parametrize(
    "text",
    [
        "Let's play tic-tac-toe. I'm X.\nI play 5. Your move.",
        " X │ O │ 3\n───┼───┼───\n 4 │ X │ 6",
        "X | O | X\n---------\nO | X | O",
        "name    size\na.py    12",
        "__init__.py and __main__.py, 2*3*4",
        "src/*.py and tests/*.py",
        "&#x202E; <b>x</b> \\*",
        "[a]: https://hidden.example",
        "a\n\n\tb".expandtabs(4),
    ],
)
def test_what_is_no_markdown_and_what_it_would_hide_stays_as_it_is(text: str) -> None:
    assert _shown(text) == text


def test_long_words_and_lists_are_wrapped_below_themselves() -> None:
    assert _shown("- one two three four", 12) == "• one two\n  three four"


@given(st.text(st.sampled_from("ab *_`#>-|[]()\n1.漢\u202e\x1b&;~"), max_size=120), st.integers(10, 60))
def test_no_text_breaks_out_of_its_width_or_steers_the_terminal(text: str, width: int) -> None:
    for line in render(text, width):
        shown = plain([line])
        assert cell_len(shown) <= width
        assert not {"\x1b", "\u202e", "\n"} & set(shown)
