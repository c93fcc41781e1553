"""Codes that link one machine: short enough to be typed, and good once, for a few minutes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from broker.domain.errors import BadRequest
from broker.domain.ids import WorkspaceId
from broker.domain.people.access import Maker

_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Without those that are taken for another: 0 and O, 1, I and L, U."""
_LENGTH = 8
"""39 bits. Failures are limited for all addresses together, so that some thousand guesses are all a code can meet."""
CODE_LIFE_S = 600
MAX_CODES = 100
"""Open at once in a workspace."""
_SPACES = str.maketrans("", "", "- \t\r\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingMachine:
    """What a code lets its bearer have: a token that links machines, as long as the access of who made it lasts."""

    workspace: WorkspaceId
    id: str = ""
    """What lists name the code by; nothing follows from it. Empty in those of a version before this."""
    name: str
    """Of the token, and so of who uses it."""
    made_by: Maker


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenCode:
    """A code that was neither used nor revoked, without the code."""

    id: str
    name: str
    expires_at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineCode:
    """It is a secret."""

    id: str
    code: str = field(repr=False)
    expires_at_ms: int


def make_code(choose: Callable[[Sequence[str]], str]) -> str:
    """As people read it: `7KQP-2XMA`."""
    letters = "".join(choose(_LETTERS) for _ in range(_LENGTH))
    return f"{letters[:4]}-{letters[4:]}"


def read_code(text: str) -> str:
    """A code as somebody typed it, in one spelling. Raises `BadRequest` (INVALID_CODE)."""
    letters = text.translate(_SPACES).upper()
    if len(letters) != _LENGTH or not set(letters) <= set(_LETTERS):
        raise BadRequest("that is no code for linking a machine: it looks like 7KQP-2XMA", code="INVALID_CODE")
    return letters
