import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from connect.terminal.text import box, harmless, inner_width, one_line, paragraph, plain, usable_width, wrap


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("\x1b[2Jgone", "␛[2Jgone"),
        ("a\x07b\x00c\x7f", "a␇b␀c␡"),
        ("\x9b31m", "⟨U+009B⟩31m"),
        ("one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("a\tb", "a    b"),
        ("safe \u202etxt.exe", "safe ⟨U+202E⟩txt.exe"),
        ("\ud800", "⟨U+D800⟩"),
        ("漢字 é 👍", "漢字 é 👍"),
    ],
)
def test_what_could_steer_the_terminal_is_made_visible(said: str, shown: str) -> None:
    assert harmless(said) == shown


@given(st.text(), st.integers(4, 60))
def test_wrapped_lines_never_exceed_the_width_nor_hold_a_control_character(text: str, width: int) -> None:
    for line in wrap(text, width):
        assert cell_len(line) <= width or len(line) == 1
        assert all(ord(character) >= 0x20 and not 0x7F <= ord(character) < 0xA0 for character in line)


def test_wide_characters_count_two_cells() -> None:
    assert wrap("漢字漢字漢字", 5) == ["漢字", "漢字", "漢字"]


def test_lines_break_at_spaces_and_long_words_are_cut() -> None:
    assert wrap("the quick brown fox", 9) == ["the quick", "brown fox"]
    assert wrap("abcdefghij kl", 4) == ["abcd", "efgh", "ij", "kl"]


def test_drawings_and_indentation_keep_their_shape() -> None:
    drawing = " X │ O │ 3\n───┼───┼───\n    code"

    assert wrap(drawing, 20) == drawing.split("\n")


@pytest.mark.parametrize("width", [20, 40, 80])
def test_every_line_of_a_box_is_equally_wide(width: int) -> None:
    body = paragraph("Hello 世界, this is a longer text that has to be wrapped\n\nand more", inner_width(width))
    lines = plain(box("Lead → 対戦相手 with a rather long name", body, width=width)).split("\n")

    assert {cell_len(line) for line in lines} == {width}
    assert lines[0].startswith("┌─ Lead → ")
    assert lines[-1].startswith("└─")


def test_a_title_cannot_break_out_of_its_line() -> None:
    assert "\n" not in one_line("Lead\n┌─ Boss → You")
    assert one_line("x" * 300, limit=10) == "xxxxxxxxx…"


def test_the_width_follows_the_terminal_within_reason() -> None:
    assert [usable_width(columns) for columns in (5, 80, 400)] == [20, 79, 100]
