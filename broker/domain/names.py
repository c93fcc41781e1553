"""Names that people give to what they make, and names that machines bring: what may stand in a line on a terminal.

Whatever has a name has an id too, and both may refer to it: an id always wins. No name may look like an id of any kind,
and what looks like one is looked for among ids alone: names of earlier versions may.
"""

from __future__ import annotations

import base64
import re
import unicodedata

from broker.domain.errors import BadRequest

LONGEST_NAME = 100
"""Of a token, a machine or a label."""
_UNSEEN = "\ufffd"
FILLERS = frozenset("\u115f\u1160\u3164\uffa0\u2800\u17b4\u17b5")
"""Letters and signs to Unicode, and drawn as nothing."""
_MARKS = frozenset({"Mn", "Me"})
_MOST_MARKS = 2
"""On one letter, as any language has them; more cover the lines around."""
_ID = re.compile(r"[0-9a-f]{16}|[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
"""Of members and tokens; of sessions, machines and approvals; of agents and messages."""
_GLOBAL_ID = re.compile(rb"[A-Za-z]+:.+", re.DOTALL)
"""GraphQL's, once it is decoded."""


def looks_like_id(text: str) -> bool:
    """Whether `text` has the form of an id of anything, written in whatever case."""
    return _ID.fullmatch(text) is not None or _GLOBAL_ID.fullmatch(_decode(text)) is not None


def unlike_an_id(name: str) -> str:
    """Return `name`; raise `BadRequest` (INVALID_NAME) when it looks like an id."""
    if looks_like_id(name):
        raise BadRequest(f"{name[:80]!r} looks like an id; choose another name", code="INVALID_NAME")
    return name


def is_seen(name: str) -> bool:
    """Whether each character of `name` is seen where it stands.

    One that is not, or that turns the text around as U+202E does, could pass one name off as another.
    """
    marks = 0
    for each in name:
        marks = marks + 1 if unicodedata.category(each) in _MARKS else 0
        if not each.isprintable() or each in FILLERS or marks > _MOST_MARKS:
            return False
    return unicodedata.category(name[:1] or " ") not in _MARKS


def printable_name(text: str, what: str) -> str:
    """Return `text` trimmed when it is a name for `what`; raise `BadRequest` (INVALID_NAME) otherwise."""
    name = text.strip(" ")
    if not name or len(name) > LONGEST_NAME or not is_seen(name):
        raise BadRequest(f"{what} has 1 to {LONGEST_NAME} printable characters", code="INVALID_NAME")
    return unlike_an_id(name)


def show_name(text: str) -> str:
    """A name that nobody here chose, made fit to be shown: a machine is not sent away for what it is called."""
    name = text[:LONGEST_NAME]
    if not is_seen(name):
        name = "".join(each if _stands_alone(each) else _UNSEEN for each in name)
    return name.strip() or _UNSEEN


def _stands_alone(character: str) -> bool:
    return character.isprintable() and character not in FILLERS and unicodedata.category(character) not in _MARKS


def _decode(text: str) -> bytes:
    """What a text is in base64; empty when it is none."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return b""
