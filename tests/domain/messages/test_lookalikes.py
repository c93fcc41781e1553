"""What a text looks like."""
# ruff: noqa: RUF001 - look-alikes are what this is about

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.messages.lookalikes import skeleton


@given(st.text())
def test_a_skeleton_is_as_long_as_its_text(text: str) -> None:
    assert len(skeleton(text)) == len(text)


@given(st.text(alphabet=st.characters(max_codepoint=127, exclude_characters="I1|&_", categories=["L", "N", "P", "Zs"])))
def test_plain_text_is_its_own_skeleton_in_small_letters(text: str) -> None:
    assert skeleton(text) == text.lower()


@pytest.mark.parametrize(
    "text",
    [
        "ｒelay",
        "𝐫𝐞𝐥𝐚𝐲",
        "геӏау",
        "RELAY",
        "ŕëlåý",
        "reIay",
        "re1ay",
        "ꮁelay",
        "\U000e0072\U000e0065\U000e006c\U000e0061\U000e0079",
        "ʀᴇʟᴀʏ",
    ],
)
def test_letters_of_other_alphabets_look_like_ours(text: str) -> None:
    assert skeleton(text) == "relay"


@pytest.mark.parametrize("text", ["&lt;", "&LT;", "&lt", "&#60;", "&#x3c;", "&#0060", "&amp;lt;", "＜", "﹤", "‹", "⟨"])
def test_a_bracket_is_a_bracket_however_it_is_spelt(text: str) -> None:
    assert skeleton(text).strip("\0") == "<"
