from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from connect.machine.commands.output import Kept, both

SECRET = "s" * 40


def masked(text: str) -> str:
    return text.replace(SECRET, "[masked]")


@given(st.lists(st.binary(max_size=50), max_size=20))
def test_what_fits_is_kept_whole_however_it_comes(pieces: list[bytes]) -> None:
    kept = Kept(limit=2000)
    for piece in pieces:
        kept.add(piece)
    assert kept.text(str) == b"".join(pieces).decode("utf-8", "replace")


@given(st.lists(st.integers(1, 5000), min_size=3, max_size=20))
def test_what_is_too_much_is_kept_by_its_beginning_and_end(sizes: list[int]) -> None:
    kept = Kept(limit=200)
    text = "".join(chr(ord("a") + number % 26) * size for number, size in enumerate(sizes))
    begin = 0
    for size in sizes:
        kept.add(text[begin : begin + size].encode())
        begin += size
    told = kept.text(str)
    if len(text) <= 200:
        assert told == text
    else:
        assert told.startswith(text[:100])
        assert f"the middle of {len(text)} bytes is left out" in told
        assert text.endswith(told.rpartition("\n")[2])


def test_a_secret_at_the_cut_is_masked_before_it_is_cut() -> None:
    for place in range(60, 120):
        kept = Kept(limit=200)
        kept.add(b"x" * place + SECRET.encode() + b"y" * 100_000 + SECRET.encode() + b"z" * place)
        assert "s" * 5 not in kept.text(masked).replace("[masked]", "")


def test_what_was_complained_of_stands_behind_what_was_said() -> None:
    out, err = Kept(), Kept()
    assert both(out, err, mask=str) == ""
    err.add(b"oh")
    assert both(out, err, mask=str) == "[standard error]\noh"
    out.add(b"so")
    assert both(out, err, mask=str) == "so\n[standard error]\noh"
