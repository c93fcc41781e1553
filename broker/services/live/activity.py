"""What happens in a workspace, live: every event of its sessions but frames and receipts.

One channel carries it, so following costs the same however many sessions there are, and an idle one costs nothing.
There is no log behind the channel: whoever may have missed something is told, and reads what it shows again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

from broker.domain.ids import AgentId
from broker.domain.people.access import Permission, Principal
from broker.services.permissions import requires
from broker.services.ports import Glimpsed, Happened, Signals

_PACE_S = 0.25
"""Between two batches of what is only seen."""
_COUNTED = '"kind":"message.accepted"'
_MOST_SEEN = 10_000
"""Agents of which something is seen between two batches."""
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
        reader = _Reader(principal)
        stop = await self._signals.activity(principal.workspace, lambda item: reader.push(item or Lost()))
        try:
            yield Lost()
            while True:
                yield await reader.next()
        finally:
            await stop()

    @requires(Permission.METER)
    async def follow_counted(self, principal: Principal) -> AsyncGenerator[None, None]:
        """Word, at once and whenever messages were accepted anywhere in the workspace, with nothing of them.

        Raises `NotPermitted`, `Unavailable`.
        """
        changed = asyncio.Event()

        def push(item: Happened | None) -> None:
            if item is None or _COUNTED in item.event:
                changed.set()

        stop = await self._signals.activity(principal.workspace, push)
        try:
            while True:
                yield None
                await changed.wait()
                changed.clear()
        finally:
            await stop()

    @requires(Permission.READ)
    async def follow_agents(
        self, principal: Principal, *, pace_s: float = _PACE_S
    ) -> AsyncGenerator[Sequence[Happened | Glimpsed | Lost], None]:
        """The same with what is seen of agents between their events, in batches of all that has arrived.

        An event is told at once. What is only seen is told `pace_s` after what was told before, once for each agent.
        """
        reader = _Reader(principal)
        stop = await self._signals.activity(principal.workspace, lambda item: reader.push(item or Lost()))
        try:
            unsee = await self._signals.glimpses(principal.workspace, lambda item: reader.push(item or Lost()))
            try:
                yield [Lost()]
                while True:
                    yield await reader.next_batch(pace_s=pace_s)
            finally:
                await unsee()
        finally:
            await stop()


class _Reader:
    """What arrived and was not yet taken, of the sessions that the caller sees then."""

    def __init__(self, principal: Principal) -> None:
        self._principal = principal
        self._arrived: deque[Happened | Lost] = deque()
        self._seen: dict[AgentId, Glimpsed] = {}
        self._characters = 0
        self._wake = asyncio.Event()

    def push(self, item: Happened | Glimpsed | Lost) -> None:
        if not isinstance(item, Lost) and not self._principal.sees(item.session):
            return
        if isinstance(item, Glimpsed):
            self._seen[item.agent] = item
            self._wake.set()
            if len(self._seen) <= _MOST_SEEN:
                return
            self._seen.clear()
            item = Lost()
        if len(self._arrived) >= _QUEUE or self._characters >= _QUEUE_CHARACTERS:
            self._arrived.clear()
            self._characters = 0
            self._arrived.append(Lost())
        if not (isinstance(item, Lost) and self._arrived and self._arrived[-1] == item):
            self._arrived.append(item)
            self._characters += _length(item)
        self._wake.set()

    async def next(self) -> Happened | Lost:
        while True:
            while not self._arrived:
                self._wake.clear()
                await self._wake.wait()
            item = self._arrived.popleft()
            self._characters -= _length(item)
            if isinstance(item, Lost) or self._principal.sees(item.session):  # it may have become private meanwhile
                return item

    async def next_batch(self, *, pace_s: float) -> list[Happened | Glimpsed | Lost]:
        with contextlib.suppress(TimeoutError):  # what is only seen waits so long
            async with asyncio.timeout(pace_s):
                while not self._arrived:
                    self._wake.clear()
                    await self._wake.wait()
        while not (self._arrived or self._seen):
            self._wake.clear()
            await self._wake.wait()
        batch = [
            each
            for each in (*self._arrived, *self._seen.values())
            if isinstance(each, Lost) or self._principal.sees(each.session)  # it may have become private meanwhile
        ]
        self._arrived.clear()
        self._seen.clear()
        self._characters = 0
        return batch


def _length(item: Happened | Lost) -> int:
    return len(item.event) if isinstance(item, Happened) else 0
