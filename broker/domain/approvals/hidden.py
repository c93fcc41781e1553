"""Characters that are not drawn, or that change how what is around them is drawn: what is read is not what is run.

As editors and forges warn of them in source: Unicode's bidirectional controls ("Trojan Source"), zero-width and other
format characters, line separators that many programs take for a blank, control characters, and letters that are blank.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

from broker.domain.unseen import FLAGS, is_unseen

_PLAIN = frozenset("\n\t")
"""Control characters that a box of text shows as what they are."""
_MOST_NAMED = 5
_NESTED = 6


def hidden_characters(text: str) -> tuple[str, ...]:
    """The characters of `text` that hide or reorder something, each once, in the order they stand there."""
    if text.isascii() and text.isprintable():
        return ()
    return tuple(dict.fromkeys(_hidden(text)))


def name_characters(characters: tuple[str, ...]) -> str:
    """As U+202E, U+200B."""
    names = [f"U+{ord(each):04X}" for each in characters[:_MOST_NAMED]]
    return ", ".join(names) + (", …" if len(characters) > _MOST_NAMED else "")


def texts_in(given: object, *, depth: int = _NESTED) -> Iterator[str]:
    """Every text in a tool's input."""
    match given:
        case str():
            yield given
        case Mapping() if depth:
            for name, each in given.items():
                yield str(name)
                yield from texts_in(each, depth=depth - 1)
        case list() | tuple() if depth:
            for each in given:
                yield from texts_in(each, depth=depth - 1)
        case _:
            return


def find_changed_texts(change: Mapping[str, Any]) -> Iterator[str]:
    """What a change writes, and where: the lines that it adds, not what was there before."""
    yield str(change.get("path") or "")
    for line in str(change.get("diff") or "").split("\n"):
        if line.startswith("+") and not line.startswith("+++ "):
            yield line.removesuffix("\r")


def _hidden(text: str) -> Iterator[str]:
    for piece in FLAGS.split(text)[::2]:
        for place, each in enumerate(piece):
            if each not in _PLAIN and unicodedata.category(each) != "Zs" and is_unseen(piece, place, exact=True):
                yield each
