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
_FROM_STRIPE = re.compile(r"\b(sk_test_|rk_test_|whsec_)[A-Za-z0-9+/=]{16,}")
_PASSWORD = re.compile(r"""(://)[^\s/@'"<>]*:[^\s/@'"<>]+@""")
"""In a URL, as errors of drivers quote it."""
_HIDDEN = r"\1[hidden]"


def foreign_character(token: str) -> tuple[int, str] | None:
    """The place and the name of the first character that no token has; None when there is none."""
    found = _FOREIGN.search(token)
    return None if found is None else (found.start(), _name_character(found[0]))


def require_token_form(token: str) -> None:
    """Refuse what cannot be a token, and say why without saying it: it may be one, with a mark that editors add.

    Raises `NotAuthenticated`.
    """
    found = foreign_character(token)
    if found is not None:
        place, name = found
        raise NotAuthenticated(f"the token has a character that no token has: {name}, character {place + 1}")


def hide_tokens(text: str) -> str:
    """`text` without any token, or password in a URL, whatever brought it there."""
    hidden = _BEARER.sub(_HIDDEN, _TOKEN.sub(_HIDDEN, text))
    if "://" in hidden:
        hidden = _PASSWORD.sub(rf"{_HIDDEN}@", hidden)
    return _FROM_STRIPE.sub(_HIDDEN, hidden) if "_" in hidden else hidden


def _name_character(character: str) -> str:
    name = unicodedata.name(character, "control character" if unicodedata.category(character) == "Cc" else "unnamed")
    return f"U+{ord(character):04X} ({name})"
