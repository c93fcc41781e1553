"""Who is behind a connection that stays open, for as long as that holds."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from enum import Enum, auto

from broker.domain.errors import NotAuthenticated, NotFound, NotPermitted, Unavailable
from broker.domain.people.access import Credential, Principal
from broker.domain.people.access_changes import AccessChange
from broker.services.people.access import Access

_log = logging.getLogger(__name__)
_TRIES, _RETRY_S = 40, 0.25
"""How long access may stay unchecked while the store is away; then the peer has to come again."""
_LONGEST_TIMER_S = 3600.0
_AFTER_EXPIRY_S = 0.2
"""The store's clock may be a little behind ours."""


class Loss(Enum):
    """Why a peer may not go on."""

    ENDED = auto()
    """Its token was revoked."""
    EXPIRED = auto()
    """A fresh token may do better."""
    UNCHECKED = auto()
    """The store is away for too long to be sure."""


class Standing:
    """A token and the caller it stands for, looked up again whenever either may have changed.

    `watch` does that; to have it done, from anywhere and at any time, needs no more than a word.
    """

    def __init__(
        self,
        access: Access,
        *,
        kept: Callable[[], Awaitable[None]],
        lost: Callable[[Loss, str], None],
    ) -> None:
        self._access = access
        self._kept = kept
        self._lost = lost
        self._shown = Credential(token=None)
        self._principal: Principal | None = None
        self._expiry: asyncio.TimerHandle | None = None
        self._doubted = False
        """Whether somebody's access changed while we did not know whose this is."""
        self._doubt = asyncio.Event()

    @property
    def known(self) -> bool:
        """Whether the peer has said who it is."""
        return self._principal is not None

    @property
    def caller(self) -> Principal:
        """The present one."""
        assert self._principal is not None
        return self._principal

    async def begin(self, shown: Credential) -> None:
        """Become the caller behind a token. Raises `NotAuthenticated`, `NotFound`, `Unavailable`."""
        self._shown = shown
        while True:
            self._doubted = False
            principal = await self._access.authenticate(shown)
            if not self._doubted:
                break
        self._become(principal)

    async def go_on_with(self, token: str) -> None:
        """Take another token of the same workspace; the present one stays when that one is no good.

        Raises `NotAuthenticated`, `NotPermitted`, `Unavailable`.
        """
        shown = self._shown.with_token(token)
        principal = await self._access.authenticate(shown)
        if self._principal is None or principal.workspace != self._principal.workspace:
            raise NotPermitted("a connection stays in the workspace that it was opened for")
        if principal.session != self._principal.session:
            raise NotPermitted("a connection sees the sessions that it was opened for; open another for others")
        self._shown = shown
        self._become(principal)
        await self._kept()

    def may_lose_by(self, change: AccessChange) -> bool:
        """Whether a change of access may be about this peer."""
        return self._principal is None or change.concerns(self._principal)

    def check(self) -> None:
        """Look again, soon, whether the peer may go on with what it does."""
        self._doubted = True
        if self._principal is not None:
            self._doubt.set()

    def end(self) -> None:
        """The connection is over."""
        if self._expiry is not None:
            self._expiry.cancel()

    async def watch(self) -> None:
        """Look again whenever there is reason to, until cancelled."""
        while True:
            await self._doubt.wait()
            self._doubt.clear()
            try:
                await self._check()
            except Exception:  # the top of a task: who cannot be checked may not go on
                _log.exception("the access of an open connection was not checked")
                self._lost(Loss.UNCHECKED, "Access could not be checked; come again")

    async def _check(self) -> None:
        for _ in range(_TRIES):
            try:
                self._become(await self._access.authenticate(self._shown))
                await self._kept()
            except (NotAuthenticated, NotFound) as error:
                self._lost(Loss.EXPIRED if self._expires_in() <= 0 else Loss.ENDED, error.message)
                return
            except Unavailable:
                await asyncio.sleep(_RETRY_S)
            else:
                return
        self._lost(Loss.UNCHECKED, "The store is away; come again")

    def _become(self, principal: Principal) -> None:
        self._principal = principal
        self.end()
        if principal.expires_at_ms is not None:
            delay = min(max(self._expires_in(), _AFTER_EXPIRY_S), _LONGEST_TIMER_S)
            self._expiry = asyncio.get_running_loop().call_later(delay, self.check)

    def _expires_in(self) -> float:
        """Seconds."""
        expires_at_ms = self.caller.expires_at_ms
        return float("inf") if expires_at_ms is None else expires_at_ms / 1000 - time.time()
