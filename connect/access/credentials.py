"""The short-lived tokens of a machine and of a terminal: exchanged at once, refreshed before they end, single flight.

A person's token is given once and is not kept: a machine's link holds a token that links this machine and does
nothing else, a terminal one that acts as the person for a quarter of an hour. Each has a refresh token for the next.
A broker that knows no exchange (0.1) gets the given token itself, and sends a token for the machine alone in-band.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from broker.domain.errors import NotAuthenticated, Unavailable
from connect.access.broker_clock import uptime_s
from connect.access.endpoint import Endpoint, GivenToken, TokenSource, no_token
from connect.access.token_calls import CannotExchange, Pair, exchange, make_session, refresh
from connect.access.token_text import read_token_file
from connect.system.state_folder import write_private

if TYPE_CHECKING:
    from broker.protocol.proxy import Auth, AuthRefresh

KEPT_FILE = "token.json"
_REFRESH_AT = 2 / 3
"""Of a token's life: what is left bridges a broker that restarts."""
_ANSWER_S = 20.0
"""An answer on the link that has not come by now was lost with its connection."""
CANNOT_EXCHANGE = (
    "{} cannot exchange tokens, so the given one itself is held for as long as this runs: update the broker, or link"
    " with a token of `relaycast token mint --kind proxy`"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """The pair in use; instants are of this machine's uptime."""

    pair: Pair
    since_s: float

    @property
    def due_s(self) -> float:
        """When its access token is to be replaced."""
        return self.since_s + self.pair.life_s * _REFRESH_AT

    @property
    def ends_s(self) -> float:
        """When its access token ends."""
        return self.since_s + self.pair.life_s


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """What a link knew when it ended."""

    origin: str
    """Of which given token it descends: its SHA-256."""
    pair: Pair | None = None
    token: str | None = None
    """From a broker that cannot exchange."""


@dataclass(slots=True, kw_only=True)
class KeptTokens:
    """The file in the state folder. What is in it can do no more than link this machine."""

    path: Path
    url: str
    problem: str | None = field(default=None, init=False)
    """Why the last change is in memory only."""

    def read(self) -> _Kept | None:
        """What was kept for this broker."""
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            found = orjson.loads(self.path.read_bytes())
            if not isinstance(found, dict) or found.get("url", self.url) != self.url:
                return None
            origin, token = str(found["for"]), str(found["token"])
            if "refresh_token" not in found:
                return _Kept(origin=origin, token=token)
            # The wall clock may be wrong: then the broker refuses the token, and it is refreshed.
            left_s = max(0.0, float(found["ends_at_ms"]) / 1000 - time.time())
            return _Kept(
                origin=origin, pair=Pair(token=token, refresh_token=str(found["refresh_token"]), life_s=left_s)
            )
        return None

    def write(self, kept: _Kept) -> None:
        """Keep it; `problem` says when that could not be."""
        content: dict[str, object] = {"for": kept.origin, "url": self.url, "token": kept.token}
        if kept.pair is not None:
            ends_at_ms = int((time.time() + kept.pair.life_s) * 1000)
            content |= {
                "token": kept.pair.token,
                "refresh_token": kept.pair.refresh_token,
                "ends_at_ms": ends_at_ms,
            }
        try:
            write_private(self.path, orjson.dumps(content), durable=True)
            self.problem = None
        except OSError as error:
            self.problem = f"the token cannot be kept on disk, and is used from memory: {error.strerror}"

    def forget(self) -> None:
        """Keep nothing. A disk that is read-only now has it refused once more after a restart."""
        with contextlib.suppress(OSError):
            self.path.unlink(missing_ok=True)


class MachineCredentials:
    """What one machine's link presents. The pair is kept on disk, and lasts over restarts and sleep.

    Invariant: a person's token is not held any more once the broker has exchanged it.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        given: GivenToken | None,
        *,
        kept: KeptTokens,
        purpose: Mapping[str, str],
        session: str | None = None,
        uptime_s: Callable[[], float] = uptime_s,
    ) -> None:
        self._endpoint = endpoint
        self._given = given
        self._file = given.path if given is not None else None
        self._origin = _origin(given)
        self._kept = kept
        self._purpose = purpose
        self._session = session
        """The one that is to be joined; a token that may make it does so before it is exchanged."""
        self._uptime_s = uptime_s
        self._held: _Held | None = None
        self._in_band: str | None = None
        """What a broker that cannot exchange has given."""
        self._asked_s: float | None = None
        self._flight = asyncio.Lock()
        self.weaker: str | None = None
        """What is less safe than it should be, for people."""
        self._restore(kept.read())

    @property
    def problem(self) -> str | None:
        """Why the tokens in use are in memory only."""
        return self._kept.problem

    @property
    def token(self) -> str:
        """What to present now; `access` makes it ready. Empty when there is none."""
        if self._held is not None:
            return self._held.pair.token
        return self._in_band or (self._given.text if self._given is not None else "")

    @property
    def secrets(self) -> tuple[str, ...]:
        """Everything that must not be shown."""
        found = [self._in_band, self._given.text if self._given is not None else None]
        if self._held is not None:
            found += [self._held.pair.token, self._held.pair.refresh_token]
        return tuple(secret for secret in found if secret)

    async def access(self) -> str:
        """A token to connect with: exchanged if that is still to be done, refreshed if it has ended.

        Raises `NotAuthenticated`, `NotPermitted`, and `Unavailable` when it cannot be said now.
        """
        async with self._flight:
            if (
                self._held is not None
                and self._session is not None
                and self._given is not None
                and not self._given.links_only
            ):
                await make_session(self._endpoint, self._given.text, self._session)
                self._drop_person()
            if self._held is not None and self._held.ends_s <= self._uptime_s():
                await self._renew(self._held)
            if self._held is None and self._given is not None:
                await self._exchange(self._given)
        if not self.token:
            raise no_token(self._endpoint.url)
        return self.token

    async def replace(self, refused: str) -> bool:
        """Put another token in place of one that was refused; False when there is none to be had. Raises `Unavailable`.

        A pair is refreshed; where that is refused too, the token it came from is read again, if it lies in a file.
        """
        async with self._flight:
            if self.token != refused:
                return True
            if self._held is not None:
                await self._renew(self._held)
            elif self._in_band is not None:
                self._in_band = None
                self._kept.forget()
            else:
                return False
        return bool(self.token)

    def due_in_s(self) -> float | None:
        """How long until the pair is to be refreshed; None when there is none."""
        return None if self._held is None else max(0.0, self._held.due_s - self._uptime_s())

    def ask(self) -> AuthRefresh | None:
        """What to send on the open link, if it is time; the answer goes to `take`."""
        now_s = self._uptime_s()
        if self._held is None or self._held.due_s > now_s or self._flight.locked():
            return None
        if self._asked_s is not None and now_s - self._asked_s < _ANSWER_S:
            return None
        from broker.protocol.proxy import AuthRefresh  # noqa: PLC0415 - a terminal has no link to ask on

        self._asked_s = now_s
        return AuthRefresh(refresh_token=self._held.pair.refresh_token)

    def adopt(self, pair: Pair) -> None:
        """Go on with what somebody else had the token exchanged for."""
        self._hold(pair)

    def take(self, auth: Auth, *, life_s: float | None) -> None:
        """Use what the broker sent in-band, good for `life_s`; None: for as long as the one before."""
        self._asked_s = None
        if auth.refresh_token is not None:
            before_s = self._held.pair.life_s if self._held is not None else 0.0
            life_s = before_s if life_s is None else max(0.0, life_s)
            self._hold(Pair(token=auth.token, refresh_token=auth.refresh_token, life_s=life_s))
        elif self._held is None:
            self._in_band = auth.token
            self._kept.write(_Kept(origin=self._origin, token=auth.token))

    async def _exchange(self, given: GivenToken) -> None:
        try:
            pair = await link_token(self._endpoint, given, purpose=self._purpose, session=self._session)
        except CannotExchange:
            self.weaker = None if given.links_only else CANNOT_EXCHANGE.format(self._endpoint.host)
            return
        self._hold(pair)

    async def _renew(self, held: _Held) -> None:
        try:
            self._hold(await refresh(self._endpoint, held.pair.refresh_token))
        except NotAuthenticated:
            self._held = None
            self._kept.forget()
            self._given = self._given or _read_again(self._file)
            if self._given is None:
                raise

    def _hold(self, pair: Pair) -> None:
        self._held = _Held(pair=pair, since_s=self._uptime_s())
        self._in_band = self.weaker = None
        self._kept.write(_Kept(origin=self._origin, pair=pair))
        self._drop_person()

    def _drop_person(self) -> None:
        if self._given is not None and not self._given.links_only:
            self._given.drop()
            self._given = None

    def _restore(self, kept: _Kept | None) -> None:
        """Go on with what was kept if it descends from the given token, or if none is given."""
        if kept is None or (self._given is not None and kept.origin != self._origin):
            return
        self._origin = kept.origin
        self._in_band = kept.token
        if kept.pair is not None:
            self._held = _Held(pair=kept.pair, since_s=self._uptime_s())
            if self._session is None:
                self._drop_person()


def machine_purpose(machine_id: str, name: str) -> Mapping[str, str]:
    """What a machine's token is exchanged for."""
    return {"for": "machine", "machine_id": machine_id, "name": name}


async def link_token(endpoint: Endpoint, given: GivenToken, *, purpose: Mapping[str, str], session: str | None) -> Pair:
    """What links one machine and does nothing else; the session that it joins is made first, where it can be.

    Raises `CannotExchange`, `NotAuthenticated`, `NotPermitted`, `Unavailable`.
    """
    if session is not None and not given.links_only:
        await make_session(endpoint, given.text, session)
    return await exchange(endpoint, given.text, purpose=purpose)


def _origin(given: GivenToken | None) -> str:
    return "" if given is None else hashlib.sha256(given.text.encode()).hexdigest()


def _read_again(path: Path | None) -> GivenToken | None:
    """The token as it lies in its file now."""
    if path is None:
        return None
    with contextlib.suppress(NotAuthenticated):
        return GivenToken(text=read_token_file(path), source=TokenSource.FILE, path=path)
    return None


class TerminalCredentials:
    """What a terminal acts with: as the person, for a quarter of an hour at a time, in memory alone."""

    def __init__(self, endpoint: Endpoint, given: GivenToken, *, uptime_s: Callable[[], float] = uptime_s) -> None:
        self._endpoint = endpoint
        self._given: GivenToken | None = given
        self._uptime_s = uptime_s
        self._held: _Held | None = None
        self._exchanged = False
        self._flight = asyncio.Lock()
        self.weaker: str | None = None
        """What is less safe than it should be, for people."""

    @property
    def token(self) -> str:
        """What to present now; `access` makes it ready."""
        if self._held is not None:
            return self._held.pair.token
        return self._given.text if self._given is not None else ""

    async def access(self) -> str:
        """A token that is good for a while: exchanged if that is still to be done, refreshed when it is time.

        Raises `NotAuthenticated`, `NotPermitted`, and `Unavailable` when it cannot be said now.
        """
        async with self._flight:
            if self._held is None and self._given is not None and not self._exchanged:
                await self._exchange(self._given)
            elif self._held is not None and self._held.due_s <= self._uptime_s():
                await self._refresh_in_time(self._held)
        return self.token

    async def replace(self, refused: str) -> bool:
        """Put another token in place of one that was refused; False when there is none. Raises `Unavailable`."""
        async with self._flight:
            if self.token != refused:
                return True
            if self._held is None:
                return False
            try:
                self._hold(await refresh(self._endpoint, self._held.pair.refresh_token))
            except NotAuthenticated:
                return False
        return True

    def due_in_s(self) -> float | None:
        """How long until another is to be got; None when this one serves for good."""
        return None if self._held is None else max(0.0, self._held.due_s - self._uptime_s())

    async def _exchange(self, given: GivenToken) -> None:
        try:
            self._hold(await exchange(self._endpoint, given.text, purpose={"for": "terminal"}))
        except CannotExchange:
            self.weaker = CANNOT_EXCHANGE.format(self._endpoint.host)
        else:
            self._given = None
        self._exchanged = True

    async def _refresh_in_time(self, held: _Held) -> None:
        try:
            self._hold(await refresh(self._endpoint, held.pair.refresh_token))
        except Unavailable:
            if held.ends_s <= self._uptime_s():
                raise

    def _hold(self, pair: Pair) -> None:
        self._held = _Held(pair=pair, since_s=self._uptime_s())
