"""Tokens as text: what cannot be one, and what hides them wherever text is shown."""

from __future__ import annotations

import re
import unicodedata

from broker.domain.errors import NotAuthenticated

NOT_IN_A_WORD = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrtbf])|(?<=%[0-9A-Fa-f]{2})|(?<=\\u[0-9A-Fa-f]{4})|(?<=[0-9;\[]m))"
"""What precedes a token in a text that is taken as it stands: the letter of an escape is no part of a word."""
_FOREIGN = re.compile(r"[^A-Za-z0-9_-]")
_TOKEN = re.compile(NOT_IN_A_WORD + r"([a-z]{2}_live_)[A-Za-z0-9._~+/=-]+")
_BEARER = re.compile(r"""(?i)(\bbearer\s+)[^\s'",)]{12,}""")
_HIDDEN = r"\1[hidden]"


def foreign_character(token: str) -> tuple[int, str] | None:
    """The place and the name of the first character that no token has; None when there is none."""
    found = _FOREIGN.search(token)
    return None if found is None else (found.start(), _named(found[0]))


def require_token_form(token: str) -> None:
    """Refuse what cannot be a token, and say why without saying it: it may be one, with a mark that editors add.

    Raises `NotAuthenticated`.
    """
    found = foreign_character(token)
    if found is not None:
        place, name = found
        raise NotAuthenticated(f"the token has a character that no token has: {name}, character {place + 1}")


def hide_tokens(text: str) -> str:
    """`text` without any token, whatever brought it there."""
    return _BEARER.sub(_HIDDEN, _TOKEN.sub(_HIDDEN, text))


def _named(character: str) -> str:
    name = unicodedata.name(character, "control character" if unicodedata.category(character) == "Cc" else "unnamed")
    return f"U+{ord(character):04X} ({name})"
