"""Exchanging tokens for short-lived ones, and renewing those."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from broker.domain.errors import BadRequest, NotAuthenticated
from broker.domain.ids import FamilyId
from broker.domain.names import printable_name
from broker.domain.people.access import Principal
from broker.domain.people.token_families import (
    ACCESS_S,
    REFRESH_S,
    Purpose,
    RefreshToken,
    derive,
    parse_refresh_token,
)
from broker.services.people.access import new_token, token_hash
from broker.services.people.accounts import Accounts
from broker.services.people.attempts import Attempts
from broker.services.permissions import check_within
from broker.services.ports import NewPair, SignInCodes, TokenFamilies

_MAX_MACHINE_ID = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPair:
    """A short-lived token, and what it is renewed with. Both are secrets."""

    token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at_ms: int
    principal: Principal
    """Whom the token stands for."""


class ShortLivedTokens:
    """Gives out what is good for minutes, in the place of what is good for ever."""

    def __init__(
        self,
        families: TokenFamilies,
        codes: SignInCodes,
        *,
        accounts: Accounts,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._families = families
        self._accounts = accounts
        self._attempts = Attempts(codes)
        self._clock = clock

    @check_within("what a token may be exchanged for depends on its kind: `begin_family`")
    async def exchange(
        self, principal: Principal, purpose: Purpose, *, machine: str | None = None, name: str | None = None
    ) -> TokenPair:
        """The first pair of a new family. Raises `NotPermitted`, `BadRequest`, and `NotAuthenticated` as `renew`."""
        if purpose is Purpose.MACHINE and not (machine and len(machine) <= _MAX_MACHINE_ID):
            raise BadRequest(f"machine_id: 1 to {_MAX_MACHINE_ID} characters, as its hello says it")
        if purpose is Purpose.TERMINAL and machine is not None:
            raise BadRequest("machine_id: a terminal has none")
        name = printable_name(name, "a machine's name") if name else principal.name
        family = FamilyId(secrets.token_hex(16))
        owner = derive(principal, purpose, family=family, machine=machine, name=name)
        first = RefreshToken(
            kind=owner.kind,
            workspace=owner.workspace,
            family=family,
            proof=secrets.token_urlsafe(16),
            secret=secrets.token_urlsafe(32),
        )
        token, pair = self._pair(first)
        await self._accounts.open(principal)
        await self._families.begin(owner, family, pair, proof=token_hash(first.proof))
        return _give(token, first, pair, owner)

    async def renew(self, refresh_token: str, *, address: str | None = None) -> TokenPair:
        """The next pair; `address` is counted when it fails.

        Raises `NotAuthenticated` (UNAUTHENTICATED, TOKEN_REVOKED, TOKEN_REUSED), and `RateLimited`.
        """
        try:
            return await self._renew(parse_refresh_token(refresh_token))
        except NotAuthenticated:
            if address is not None:
                await self._attempts.count_failure(address)
            raise

    async def _renew(self, presented: RefreshToken) -> TokenPair:
        successor = replace(presented, secret=secrets.token_urlsafe(32))
        token, pair = self._pair(successor)
        owner = await self._families.renew(
            presented.workspace,
            presented.family,
            pair,
            proof=token_hash(presented.proof),
            presented=token_hash(presented.secret),
        )
        return _give(token, successor, pair, owner)

    def _pair(self, refresh: RefreshToken) -> tuple[str, NewPair]:
        """A fresh token, and what is kept of it and of what it is renewed with."""
        token = new_token(refresh.kind)
        pair = NewPair(
            token=token_hash(token),
            refresh=token_hash(refresh.secret),
            token_life_s=ACCESS_S,
            family_life_s=REFRESH_S,
            now_ms=int(self._clock() * 1000),
        )
        return token, pair


def _give(token: str, refresh: RefreshToken, pair: NewPair, owner: Principal) -> TokenPair:
    return TokenPair(
        token=token,
        refresh_token=str(refresh),
        expires_at_ms=pair.now_ms + pair.token_life_s * 1000,
        principal=owner,
    )
