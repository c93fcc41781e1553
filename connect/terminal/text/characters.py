"""Characters that could steer a terminal or hide something in a text, made visible; those that scripts need, let be.

`broker.domain.unseen` says which is which. Pure.
"""

from __future__ import annotations

import unicodedata

from broker.domain.unseen import FLAGS, is_hint, is_unseen

_PICTURES = 0x2400
"""Unicode's pictures of the control characters: ␛ for ESC."""
_DELETE_PICTURE = "\u2421"
_MOST_MARKS = 5
"""On one letter, as Hebrew with its cantillation has them; more cover the lines around."""


def visible(line: str, *, exact: bool = False) -> str:
    """One line with what cannot be seen in it shown as `⟨U+202E⟩` or `␛`; tabs are left.

    `exact`: spaces that only look like one are shown too, and hyphens and breaks that are not there are not dropped.
    """
    if line.isascii() and line.isprintable():
        return line
    pieces = FLAGS.split(line)
    pieces[::2] = [_show(piece, exact=exact) for piece in pieces[::2]]
    return "".join(pieces)


def _show(text: str, *, exact: bool) -> str:
    shown: list[str] = []
    marks = 0
    for place, character in enumerate(text):
        category = unicodedata.category(character) if character >= "\x7f" else ""
        marks = marks + 1 if category in {"Mn", "Me"} else 0
        if " " <= character < "\x7f" or character == "\t":
            shown.append(character)
        elif character < " " or character == "\x7f":
            shown.append(chr(_PICTURES + ord(character)) if character < " " else _DELETE_PICTURE)
        elif not exact and is_hint(text, place):
            pass
        elif marks > _MOST_MARKS or is_unseen(text, place, exact=exact):
            shown.append(f"⟨U+{ord(character):04X}⟩")
        else:
            shown.append(character)
    return "".join(shown)
