import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from connect.terminal.text.layout import box, fit, harmless, inner_width, one_line, paragraph, plain, usable_width, wrap


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


@pytest.mark.parametrize(
    "text",
    [
        "می\u200cنویسم، نمی\u200cروم",
        "क्\u200dष और क्\u200cष",
        "日本語の文章です。",
        "👩\u200d💻 👨\u200d👩\u200d👧 ❤\ufe0f\u200d🔥 1\ufe0f\u20e3",
        "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f 🇩🇪",
        "שָׁלוֹם",
        "⣿⠀⣿",
    ],
)
def test_what_peoples_scripts_need_is_let_be(text: str) -> None:
    assert harmless(text) == text


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("rm\u200c -rf", "rm⟨U+200C⟩ -rf"),
        ("pay\u200dpal", "pay⟨U+200D⟩pal"),
        ("goo\u200bgle", "goo⟨U+200B⟩gle"),
        ("می\u200c\u200cخ", "می⟨U+200C⟩⟨U+200C⟩خ"),
        ("א\u200f!", "א⟨U+200F⟩!"),
        ("a\ufe0f", "a⟨U+FE0F⟩"),
        ("漢\U000e0100 a\U000e0100", "漢\U000e0100 a⟨U+E0100⟩"),
        ("x\U000e0041", "x⟨U+E0041⟩"),
        ("🏴\U000e0078\U000e007f", "🏴⟨U+E0078⟩⟨U+E007F⟩"),
        ("a\u3164b", "a⟨U+3164⟩b"),
        ("a\u2060b", "a⟨U+2060⟩b"),
        ("e" + "\u0301" * 7, "e" + "\u0301" * 5 + "⟨U+0301⟩⟨U+0301⟩"),
    ],
)
def test_what_is_unseen_where_no_script_needs_it_is_made_visible(said: str, shown: str) -> None:
    assert harmless(said) == shown


@pytest.mark.parametrize(("said", "shown"), [("Zusammen\u00adarbeit", "Zusammenarbeit"), ("ภาษา\u200bไทย", "ภาษาไทย")])
def test_where_a_word_may_be_broken_is_not_shown_but_where_a_person_decides(said: str, shown: str) -> None:
    assert harmless(said) == shown
    assert "⟨U+" in harmless(said, exact=True)


def test_a_space_that_is_none_is_shown_where_a_person_decides() -> None:
    assert harmless("rm\u00a0-rf", exact=True) == "rm⟨U+00A0⟩-rf"


@pytest.mark.parametrize("width", [43, 79, 99, 119, 139])
@given(st.lists(st.tuples(st.sampled_from(["", "class:dim"]), st.text("ab 漢é✓·", max_size=60)), max_size=4))
def test_fitted_lines_lose_no_word_and_stay_within_the_window(width: int, spans: list[tuple[str, str]]) -> None:
    lines = fit([tuple(spans)], width)

    assert all(cell_len(plain([line])) <= width for line in lines)
    assert "".join(plain(lines).split()) == "".join(plain([tuple(spans)]).split())


def test_text_goes_on_below_itself() -> None:
    assert plain(fit([(("class:good", "✓ "), ("", "one two three"))], 9)) == "✓ one two\n  three"
    assert plain(fit([(("", "  stop     end all of them now"),)], 24)) == "  stop     end all of\n           them now"


def test_an_address_is_not_cut_in_two() -> None:
    line = (("", "✓ Dashboard: http://127.0.0.1:8787/session/0123456789"),)
    assert fit([line], 30) == [line]
