"""What was asked of issuers, for a while: strangers who begin sign-ins cost a provider no more than one person."""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from broker.domain.errors import IdentityProviderFailed, RelayError

Found = TypeVar("Found")

MOST_ISSUERS = 256
"""That are remembered; of more, the one that was not asked for the longest is forgotten."""
FAILURE_S = 5.0
"""How long nobody is asked again who has failed."""
_WAIT_S = 20.0
"""For another's question to the same issuer: more than one call may take (`GuardedClient`)."""


@dataclass(slots=True)
class _Entry(Generic[Found]):
    found: Found | None = None
    found_at: float = 0.0
    failure: RelayError | None = None
    failed_at: float = 0.0
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)


class Remembered(Generic[Found]):
    """What was found by a name, one question at a time for each."""

    def __init__(self, *, monotonic: Callable[[], float], most: int = MOST_ISSUERS) -> None:
        """`monotonic`: seconds by which it gets old."""
        self._monotonic = monotonic
        self._most = most
        self._entries: OrderedDict[str, _Entry[Found]] = OrderedDict()

    async def get(self, name: str, ask: Callable[[], Awaitable[Found]], *, oldest_s: float) -> Found:
        """What is remembered if it is young enough, else what `ask` finds. Raises what `ask` raises, or has raised."""
        entry = self._entry(name)
        if (found := self._young(entry, oldest_s)) is not None:
            return found
        async with _in_turn(entry.asking):
            if (found := self._young(entry, oldest_s)) is not None:
                return found
            if entry.failure is not None and self._monotonic() - entry.failed_at < FAILURE_S:
                raise _again(entry.failure)
            return await self._ask(entry, ask)

    async def _ask(self, entry: _Entry[Found], ask: Callable[[], Awaitable[Found]]) -> Found:
        try:
            found = await ask()
        except RelayError as error:
            entry.failure, entry.failed_at = _again(error), self._monotonic()
            raise
        entry.found, entry.found_at, entry.failure = found, self._monotonic(), None
        return found

    def _young(self, entry: _Entry[Found], oldest_s: float) -> Found | None:
        return entry.found if self._monotonic() - entry.found_at < oldest_s else None

    def _entry(self, name: str) -> _Entry[Found]:
        entry = self._entries.setdefault(name, _Entry())
        self._entries.move_to_end(name)
        if len(self._entries) > self._most:
            self._entries.popitem(last=False)
        return entry


@contextlib.asynccontextmanager
async def _in_turn(lock: asyncio.Lock) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(_WAIT_S):
            await lock.acquire()
    except TimeoutError:
        raise IdentityProviderFailed(
            "the provider is slow, and others are waiting for it: sign in again in a minute"
        ) from None
    try:
        yield
    finally:
        lock.release()


def _again(error: RelayError) -> RelayError:
    """The same for another caller: an error that is raised twice grows by each one's frames."""
    return type(error)(error.message, code=error.code)
