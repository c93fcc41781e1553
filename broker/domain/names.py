"""Names that people give to what they make, and names that machines bring: what may stand in a line on a terminal.

Whatever has a name has an id too, and both may refer to it: an id always wins. No name may look like an id of any kind,
and what looks like one is looked for among ids alone: names of earlier versions may.
"""

from __future__ import annotations

import base64
import re

from broker.domain.errors import BadRequest

LONGEST_NAME = 100
"""Of a token, a machine or a label."""
_UNSEEN = "\ufffd"
_ID = re.compile(r"[0-9a-f]{16}|[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
"""Of members and tokens; of sessions, machines and approvals; of agents and messages."""
_GLOBAL_ID = re.compile(rb"[A-Za-z]+:.+", re.DOTALL)
"""GraphQL's, once it is decoded."""


def looks_like_id(text: str) -> bool:
    """Whether `text` has the form of an id of anything, written in whatever case."""
    return _ID.fullmatch(text) is not None or _GLOBAL_ID.fullmatch(_decoded(text)) is not None


def unlike_an_id(name: str) -> str:
    """Return `name`; raise `BadRequest` (INVALID_NAME) when it looks like an id."""
    if looks_like_id(name):
        raise BadRequest(f"{name[:80]!r} looks like an id; choose another name", code="INVALID_NAME")
    return name


def printable_name(text: str, what: str) -> str:
    """Return `text` trimmed when it is a name for `what`; raise `BadRequest` (INVALID_NAME) otherwise.

    Characters that are not seen or that turn the text around, as U+202E does, could pass one name off as another.
    """
    name = text.strip(" ")
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise BadRequest(f"{what} has 1 to {LONGEST_NAME} printable characters", code="INVALID_NAME")
    return unlike_an_id(name)


def shown_name(text: str) -> str:
    """A name that nobody here chose, made fit to be shown: a machine is not sent away for what it is called."""
    return "".join(each if each.isprintable() else _UNSEEN for each in text[:LONGEST_NAME]).strip() or _UNSEEN


def _decoded(text: str) -> bytes:
    """What a text is in base64; empty when it is none."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return b""
