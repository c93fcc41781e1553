"""What happens in a workspace, live: every event of its sessions but frames and receipts.

One channel carries it, so following costs the same however many sessions there are, and an idle one costs nothing.
There is no log behind the channel: whoever may have missed something is told, and reads what it shows again.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from broker.domain.ids import SessionId
from broker.domain.people.access import Permission, Principal
from broker.services.permissions import requires
from broker.services.ports import Happened, Signals

_QUEUE, _QUEUE_CHARACTERS = 1024, 4 * 1024 * 1024
"""What a follower may lag behind, in events and in their length, before they are dropped and it is told so."""


@dataclass(frozen=True, slots=True)
class Lost:
    """From here on all is told; of what was before, some may not have been. Also the first thing a follower hears."""


class Activity:
    """Follows workspaces for any number of readers; one subscription serves all that follow the same."""

    def __init__(self, signals: Signals) -> None:
        self._signals = signals

    @requires(Permission.READ)
    async def follow(self, principal: Principal) -> AsyncGenerator[Happened | Lost, None]:
        """What the caller may see, without end. Begins with `Lost`: a snapshot taken then has no gap to what follows.

        Raises `NotPermitted`, `Unavailable`.
        """
        reader = _Reader(principal.session)
        stop = await self._signals.activity(principal.workspace, lambda item: reader.push(item or Lost()))
        try:
            yield Lost()
            while True:
                yield await reader.next()
        finally:
            await stop()


class _Reader:
    """What arrived and was not yet taken, of one session only where the caller sees no other."""

    def __init__(self, only: SessionId | None) -> None:
        self._only = only
        self._arrived: deque[Happened | Lost] = deque()
        self._characters = 0
        self._wake = asyncio.Event()

    def push(self, item: Happened | Lost) -> None:
        if isinstance(item, Happened) and self._only not in {None, item.session}:
            return
        if len(self._arrived) >= _QUEUE or self._characters >= _QUEUE_CHARACTERS:
            self._arrived.clear()
            self._characters = 0
            self._arrived.append(Lost())
        if not (isinstance(item, Lost) and self._arrived and self._arrived[-1] == item):
            self._arrived.append(item)
            self._characters += _length(item)
        self._wake.set()

    async def next(self) -> Happened | Lost:
        while not self._arrived:
            self._wake.clear()
            await self._wake.wait()
        item = self._arrived.popleft()
        self._characters -= _length(item)
        return item


def _length(item: Happened | Lost) -> int:
    return len(item.event) if isinstance(item, Happened) else 0
