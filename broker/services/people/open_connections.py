"""Who is behind each open connection of this process, looked at again whenever that may have changed."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable
from enum import Enum, auto
from types import TracebackType
from typing import Protocol, Self

from broker.domain.errors import NotAuthenticated, NotFound, NotPermitted, Unavailable
from broker.domain.people.access import Credential, Permission, Principal
from broker.domain.people.access_changes import AccessChange

_log = logging.getLogger(__name__)
_TRIES, _RETRY_S = 20, 0.5
"""How long access may stay unchecked while the store is away; then the peer has to come again."""
_TICK_S = 0.25
"""How late a token may be found to have ended by itself; that is promised within a second."""


class Loss(Enum):
    """Why a peer may not go on. Each edge says this in its own protocol."""

    ENDED = auto()
    """Its token was revoked, or what that hangs on has ended."""
    EXPIRED = auto()
    """Its token has ended by itself."""
    NOT_RENEWED = auto()
    """Its token has ended by itself, and is one that another comes after."""
    NOT_PERMITTED = auto()
    """Its caller may no longer do what the connection is for."""
    UNCHECKED = auto()
    """The store is away for too long to be sure."""
    DRAINING = auto()
    """This process is about to end."""


Lost = Callable[[Loss, str], None]
"""Told once why a peer may not go on, and the same in words."""
Successor = Callable[[Principal, Principal], None]
"""Whether a connection may go on for the second caller in place of the first. Raises `NotPermitted`."""


class Callers(Protocol):
    """Whom tokens stand for; see `services.people.access.Access`."""

    async def authenticate(self, presented: Credential, /) -> Principal:
        """The caller behind a token. Raises `NotAuthenticated`, `NotFound`, `Unavailable`."""

    async def present(self, principal: Principal) -> Principal:
        """A caller as it is now, whatever became of its token. Raises `NotAuthenticated`, `Unavailable`."""


class OpenConnections:
    """Knows every open connection of a process. There is one timer for all of them; an idle one costs nothing.

    Each is looked at again when something that it hangs on has changed, when its token should have ended, and when
    such news may have been missed.
    """

    def __init__(self, callers: Callers, *, clock: Callable[[], float] = time.time, retry_s: float = _RETRY_S) -> None:
        """`clock`: Unix time, by which tokens end. `retry_s`: from one try to the next while the store is away."""
        self.callers = callers
        self.clock = clock
        self.retry_s = retry_s
        self.changes = 0
        """How many there have been: whoever is authenticated across one is authenticated once more."""
        self._open: set[OpenConnection] = set()
        self._first_end = math.inf
        """No connection ends before; Unix time."""

    def add(self, connection: OpenConnection) -> None:
        """It is open, from now on."""
        self._open.add(connection)

    def discard(self, connection: OpenConnection) -> None:
        """It is over."""
        self._open.discard(connection)

    def expect_end(self, at: float) -> None:
        """One of the connections ends then (Unix time) unless it is given more time."""
        self._first_end = min(self._first_end, at)

    def access_changed(self, change: AccessChange | None) -> None:
        """Somebody's access may have become less; None: some such word may have been missed."""
        self.changes += 1
        for connection in self._open:
            if connection.may_lose_by(change):
                connection.doubt()

    def end_expired(self) -> None:
        """See to the connections whose tokens have ended by now."""
        now = self.clock()
        if now < self._first_end:
            return
        for connection in [each for each in self._open if each.ends_at <= now]:
            connection.expire()
        self._first_end = min((each.ends_at for each in self._open), default=math.inf)

    async def run(self) -> None:
        """End what expires, until cancelled: nobody tells when a token ends by itself."""
        while True:
            await asyncio.sleep(_TICK_S)
            try:
                self.end_expired()
            except Exception:  # the top of a task: without it no token would end by itself any more
                _log.exception("expired connections were not ended")

    def drain(self) -> None:
        """Tell everybody to reconnect elsewhere."""
        for connection in list(self._open):
            connection.lose(Loss.DRAINING, "this gateway is shutting down; reconnect")


def require_same_caller(before: Principal, after: Principal) -> None:
    """A connection acts for whom it was opened. Raises `NotPermitted`."""
    if not after.is_same_as(before):
        raise NotPermitted("a connection goes on for whom it was opened; open another for others")


def require_same_sight(before: Principal, after: Principal) -> None:
    """A connection shows what it was opened for, to whoever may see that. Raises `NotPermitted`."""
    if after.workspace != before.workspace:
        raise NotPermitted("a connection stays in the workspace that it was opened for")
    if after.session != before.session:
        raise NotPermitted("a connection sees the sessions that it was opened for; open another for others")


async def _keep() -> None:
    """Most connections have nothing of their own to look at again."""


class OpenConnection:
    """One peer: what it has shown, and the caller that this stands for. It is open while the `with` block runs.

    One with a `grace_s` is opened for a while and renewed on the connection itself: it is asked only for what its
    caller hangs on, and ends when it was not renewed so long after its token.
    """

    def __init__(
        self,
        connections: OpenConnections,
        *,
        lost: Lost,
        kept: Callable[[], Awaitable[None]] = _keep,
        requires: Permission | None = None,
        successor: Successor = require_same_caller,
        grace_s: float | None = None,
    ) -> None:
        """`kept`: looks again at what runs on the connection, for the present caller; may raise what `begin` does.

        `requires`: what its caller must go on to be permitted.
        """
        self._connections = connections
        self._lost = lost
        self._kept = kept
        self._requires = requires
        self._successor = successor
        self._grace_s = grace_s
        self._shown = Credential(token=None)
        self._principal: Principal | None = None
        self._doubted = False
        self._checking: asyncio.Task[None] | None = None
        self._is_lost = False

    def __enter__(self) -> Self:
        self._connections.add(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connections.discard(self)
        if self._checking is not None:
            self._checking.cancel()

    @property
    def known(self) -> bool:
        """Whether the peer has said who it is."""
        return self._principal is not None

    @property
    def caller(self) -> Principal:
        """The present one."""
        assert self._principal is not None
        return self._principal

    @property
    def ends_at(self) -> float:
        """When it has to be looked at again at the latest; Unix time."""
        if self._is_lost or self._principal is None or self._principal.expires_at_ms is None:
            return math.inf
        return self._principal.expires_at_ms / 1000 + (self._grace_s or 0 if self._is_renewable else 0)

    @property
    def _is_renewable(self) -> bool:
        """Whether another token comes after its own; a machine of an earlier version has one for a day."""
        return self._principal is not None and (self._principal.family is not None or self._principal.proxy is not None)

    async def begin(self, shown: Credential) -> Principal:
        """Become the caller behind a token. Raises `NotAuthenticated`, `NotFound`, `Unavailable`."""
        self._shown = shown
        return self._become(await self._authenticate(shown))

    async def go_on_with(self, token: str) -> Principal:
        """Take another token; the present one stays when that one is no good.

        Raises `NotAuthenticated`, `NotPermitted` for one that may not take over, and `Unavailable`.
        """
        shown = self._shown.with_token(token)
        principal = await self._authenticate(shown)
        if self._principal is None:
            raise NotPermitted("a connection goes on only once it has begun")
        self._successor(self._principal, principal)
        self._shown = shown
        self._become(principal)
        await self._kept()
        return principal

    def renew(self, caller: Principal) -> None:
        """The token was renewed on the connection."""
        self._become(caller)

    def may_lose_by(self, change: AccessChange | None) -> bool:
        """Whether a change of access, or one that was missed, may be about this peer. One not known yet is asked for
        again anyway."""
        return self._principal is not None and (change is None or change.concerns(self._principal))

    def doubt(self) -> None:
        """Look again, soon, whether the peer may go on; once more after that if it is being looked at now."""
        self._doubted = True
        if self._checking is None and not self._is_lost:
            self._checking = asyncio.create_task(self._settle())

    def expire(self) -> None:
        """Its time is over, unless the store knows of more."""
        if self._grace_s is not None and self._is_renewable:
            self.lose(Loss.NOT_RENEWED, "the short-lived token has ended; renew it and reconnect")
        else:
            self.doubt()

    def lose(self, loss: Loss, why: str) -> None:
        """The peer may not go on; the first reason counts."""
        if not self._is_lost:
            self._is_lost = True
            self._lost(loss, why)

    async def _authenticate(self, shown: Credential) -> Principal:
        """Whoever is behind a token by the end of it: an answer may be older than a change that came meanwhile."""
        while True:
            changes = self._connections.changes
            principal = await self._connections.callers.authenticate(shown)
            if self._connections.changes == changes:
                return principal

    async def _settle(self) -> None:
        try:
            while self._doubted and not self._is_lost:
                self._doubted = False
                await self._check()
        except Exception:  # the top of a task: who cannot be checked may not go on
            _log.exception("the access of an open connection was not checked")
            self.lose(Loss.UNCHECKED, "Access could not be checked; come again")
        finally:
            self._checking = None

    async def _check(self) -> None:
        for _ in range(_TRIES):
            shown = self._shown
            try:
                await self._look_again()
            except (NotAuthenticated, NotFound, NotPermitted) as error:  # or its workspace is called otherwise by now
                if self._shown is shown:  # not given another meanwhile
                    self.lose(self._loss_by(error), error.message)
            except Unavailable:
                await asyncio.sleep(self._connections.retry_s)
                continue
            return
        self.lose(Loss.UNCHECKED, "The store is away; come again")

    async def _look_again(self) -> None:
        before = self.caller
        if self._grace_s is not None:
            principal = await self._connections.callers.present(before)
        else:
            principal = await self._connections.callers.authenticate(self._shown)
            if self._requires is not None:
                principal.require(self._requires)
        if self._principal is before:  # not given another token meanwhile
            self._become(principal)
        await self._kept()

    def _loss_by(self, error: Exception) -> Loss:
        if isinstance(error, NotPermitted):
            return Loss.NOT_PERMITTED
        if self._grace_s is not None or self.ends_at > self._connections.clock():
            return Loss.ENDED
        return Loss.NOT_RENEWED if self._is_renewable else Loss.EXPIRED

    def _become(self, principal: Principal) -> Principal:
        self._principal = principal
        self._connections.expect_end(self.ends_at)
        return principal
