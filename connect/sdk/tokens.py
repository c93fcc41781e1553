"""Where a client's token comes from: one that serves for good, or one that is replaced while it is used."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol


class TokenSource(Protocol):
    """Gives the token to present. Calls of several tasks at a time come to one request at most."""

    @property
    def token(self) -> str:
        """The present one."""

    async def access(self) -> str:
        """One that is good for a while; a fresh one when it is time. Raises `RelayError`."""

    async def replace(self, refused: str) -> bool:
        """Whether there is another one than the one that was refused. Raises `Unavailable`."""

    def due_in_s(self) -> float | None:
        """How long until `access` gets a fresh one; None: it never does."""


@dataclass(frozen=True, slots=True)
class FixedToken:
    """A token that serves for good, or until it is revoked."""

    token: str = field(repr=False)

    async def access(self) -> str:
        """The same."""
        return self.token

    async def replace(self, refused: str) -> bool:
        """There is no other."""
        del refused
        return False

    def due_in_s(self) -> float | None:
        """Never."""
        return None
