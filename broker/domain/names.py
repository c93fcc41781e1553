"""Names that people give to what they make, and names that machines bring: what may stand in a line on a terminal."""

from __future__ import annotations

from broker.domain.errors import BadRequest

LONGEST_NAME = 100
"""Of a token, a machine or a label."""
_UNSEEN = "�"


def printable_name(text: str, what: str) -> str:
    """Return `text` trimmed when it is a name for `what`; raise `BadRequest` (INVALID_NAME) otherwise.

    Characters that are not seen or that turn the text around, as U+202E does, could pass one name off as another.
    """
    name = text.strip(" ")
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise BadRequest(f"{what} has 1 to {LONGEST_NAME} printable characters", code="INVALID_NAME")
    return name


def shown_name(text: str) -> str:
    """A name that nobody here chose, made fit to be shown: a machine is not sent away for what it is called."""
    return "".join(each if each.isprintable() else _UNSEEN for each in text[:LONGEST_NAME]).strip() or _UNSEEN
