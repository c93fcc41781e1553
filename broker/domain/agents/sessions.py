"""A session: a shared room of agents and people, with one log."""

from __future__ import annotations

import re
from dataclasses import dataclass

from broker.domain.errors import BadRequest
from broker.domain.ids import SessionId
from broker.domain.names import unlike_an_id

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
DEFAULT_SESSION = "main"
"""Where a machine goes that names no session."""
MAX_SESSIONS = 10_000
"""Of one workspace."""
MAX_SESSIONS_OF_ONE = 1_000
"""That a member, or a token with no member behind it, has made: a stolen one does not fill the workspace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One session and the end of its log."""

    id: SessionId
    name: str
    epoch: str
    offset: int
    """Of the newest event."""
    searchable: int | None = None
    """Up to which offset the log store has it; None without one."""
    created_at_ms: int
    archived: bool = False
    """Put away: lists leave it out, and it can be read as before."""


def session_name(text: str) -> str:
    """Return `text` when it is a valid session name; raise `BadRequest` (INVALID_NAME) otherwise."""
    if not _NAME.fullmatch(text):
        raise BadRequest(
            f"{text[:80]!r} is not a session name: letters, digits, '_', '.', '-', 64 at most", code="INVALID_NAME"
        )
    return unlike_an_id(text)
