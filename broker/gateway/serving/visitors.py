"""Who is at the door: connections that nobody has authenticated on, bounded for each address and in all.

A bound refuses nobody who is new: it closes the stranger that has been there longest. A peer that authenticates at
once is never that one, however many others say nothing; and one that was authenticated is not counted any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass

import uvicorn
from typing_extensions import override

from broker.domain.plans.connection_limits import ConnectionLimits
from broker.gateway.serving.addresses import TrustedProxies, count_as
from broker.gateway.serving.tls import Certificate
from broker.gateway.serving.wrong_tokens import WrongTokens
from broker.telemetry import CUT_OFF, STRANGERS


class Visitor:
    """One connection, and whether we know whose it is."""

    __slots__ = ("_address", "_hang_up", "_on_known", "_strangers", "came_from", "known")

    def __init__(self, strangers: Strangers, hang_up: Callable[[], None]) -> None:
        self._strangers = strangers
        self._hang_up = hang_up
        self._on_known: Callable[[], None] | None = None
        self._address: str | None = None
        self.came_from = "unknown"
        """As it is counted, known or not."""
        self.known = False

    def arrive(self, host: str | None) -> None:
        """Count as a stranger from there, unless we know it already."""
        self.leave()
        self.came_from = count_as(host)
        if not self.known:
            self._address = self.came_from
            self._strangers.add(self, self._address)

    def once_known(self, then: Callable[[], None]) -> None:
        """What to do when somebody authenticates; at once if somebody has."""
        self._on_known = then
        if self.known:
            then()

    def recognise(self) -> None:
        """Somebody authenticated on it."""
        if self.known:
            return
        self.known = True
        self.leave()
        if self._on_known is not None:
            self._on_known()

    def came_with_wrong_token(self, now: float) -> float:
        """Count it; how long its answer is to wait."""
        return self._strangers.wrong_tokens.delay_s(self.came_from, now)

    def forget(self) -> None:
        """The next request on it may be somebody else's."""
        self.leave()
        self.known = False

    def leave(self) -> None:
        """It is over, or counts no more."""
        if self._address is not None:
            self._strangers.remove(self, self._address)
            self._address = None

    def turn_away(self) -> None:
        """There are too many like it."""
        self.leave()
        CUT_OFF.labels("too_many").inc()
        self._hang_up()


class Strangers:
    """All of a process."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self._limits = limits
        self.wrong_tokens = WrongTokens(limits)
        self._all: dict[Visitor, None] = {}
        """In the order of arrival."""
        self._of: dict[str, dict[Visitor, None]] = {}

    def __len__(self) -> int:
        return len(self._all)

    def add(self, visitor: Visitor, address: str) -> None:
        """One more; the oldest goes where there are too many."""
        of_address = self._of.setdefault(address, {})
        of_address[visitor] = self._all[visitor] = None
        STRANGERS.set(len(self._all))
        if len(of_address) > self._limits.strangers_per_address:
            next(iter(of_address)).turn_away()
        elif len(self._all) > self._limits.strangers:
            next(iter(self._all)).turn_away()

    def remove(self, visitor: Visitor, address: str) -> None:
        """It is over, or known."""
        del self._all[visitor]
        of_address = self._of[address]
        del of_address[visitor]
        if not of_address:
            del self._of[address]
        STRANGERS.set(len(self._all))


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """What the connections of a process share."""

    limits: ConnectionLimits
    proxies: TrustedProxies
    strangers: Strangers
    unread_s: float
    """For a peer to take some of what waits for it."""
    path: str = ""
    """Which requests may come with, when a proxy passes on the whole address: `/relay`."""


class ServerConfig(uvicorn.Config):
    """uvicorn's, with the door: it is all that a protocol is handed."""

    door: Door
    certificate: Certificate | None = None
    """None: connections are not encrypted here."""

    @override
    def load(self) -> None:
        super().load()
        if self.certificate is not None:
            self.ssl = self.certificate.context


_SERVED: ContextVar[Visitor | None] = ContextVar("visitor", default=None)
"""Whose request or socket the running task serves."""


def serving(visitor: Visitor) -> None:
    """Tasks that are started from here on serve that one."""
    _SERVED.set(visitor)


def recognise() -> None:
    """Whoever is served by the running task has authenticated."""
    visitor = _SERVED.get()
    if visitor is not None:
        visitor.recognise()


async def slow_down() -> None:
    """Whoever is served by the running task came with a wrong token."""
    visitor = _SERVED.get()
    if visitor is not None and not visitor.known:
        await asyncio.sleep(visitor.came_with_wrong_token(asyncio.get_running_loop().time()))
