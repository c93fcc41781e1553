"""Families of short-lived tokens in Redis hashes. Each ends by itself some time after it was used last."""

from __future__ import annotations

from dataclasses import replace

import orjson
from pydantic import TypeAdapter

from broker.adapters.redis import keys
from broker.adapters.redis.client import TextRedis
from broker.adapters.redis.scripts import Scripts
from broker.domain.errors import NotAuthenticated
from broker.domain.ids import FamilyId, WorkspaceId
from broker.domain.people.access import Principal
from broker.domain.people.token_families import MAX_FAMILIES
from broker.services.ports import NewPair

_PRINCIPAL: TypeAdapter[Principal] = TypeAdapter(Principal)
_REFUSED = {
    "unknown": ("UNAUTHENTICATED", "the refresh token is unknown or expired"),
    "revoked": ("TOKEN_REVOKED", "what this token was exchanged for has been revoked"),
    "suspended": ("SUSPENDED", "whoever this token hangs on is suspended"),
    "reused": ("TOKEN_REUSED", "this refresh token was used before: somebody has a copy of it, so all of its kind end"),
}


class RedisTokenFamilies:
    """Implements `TokenFamilies`."""

    def __init__(self, redis: TextRedis, scripts: Scripts) -> None:
        self._redis = redis
        self._scripts = scripts

    async def begin(self, principal: Principal, family: FamilyId, pair: NewPair, *, proof: str) -> None:
        """Keep the first of a family. Raises `NotAuthenticated`."""
        await self._scripts.run(
            "begin_family",
            principal.workspace,
            family=family,
            holder=_holder(principal),
            hangs_on=principal.token_id,
            owner=orjson.dumps(principal.without_standing()),
            proof=proof,
            refresh=pair.refresh,
            token=pair.token,
            life_ms=pair.family_life_s * 1000,
            until_ms=pair.now_ms + pair.family_life_s * 1000,
            most=MAX_FAMILIES,
        )
        await self._keep(principal, pair)

    async def renew(
        self, workspace: WorkspaceId, family: FamilyId, pair: NewPair, *, proof: str, presented: str
    ) -> Principal:
        """Use a refresh token up for the next pair; whom that stands for. Raises `NotAuthenticated`."""
        owner, rest = await self._scripts.run(
            "refresh_family",
            workspace,
            family=family,
            proof=proof,
            presented=presented,
            next_one=pair.refresh,
            token=pair.token,
            life_ms=pair.family_life_s * 1000,
            until_ms=pair.now_ms + pair.family_life_s * 1000,
            now=pair.now_ms,
        )
        if not owner:
            code, words = _REFUSED[rest]
            raise NotAuthenticated(words, code=code)
        principal = await self._keep(_PRINCIPAL.validate_json(owner), pair)
        for over in rest:
            await self._redis.delete(keys.token(over))
        return principal

    async def end(self, workspace: WorkspaceId, family: FamilyId) -> None:
        """End one, at once and everywhere."""
        await self._scripts.run("end_family", workspace, family=family)

    async def _keep(self, principal: Principal, pair: NewPair) -> Principal:
        """The token itself, where its owner is found."""
        owner = replace(principal.without_standing(), expires_at_ms=pair.now_ms + pair.token_life_s * 1000)
        await self._redis.set(keys.token(pair.token), orjson.dumps(owner), px=pair.token_life_s * 1000)
        return owner


def _holder(principal: Principal) -> str:
    """Whose families are counted together: those of one token, or of all sign-ins of one member."""
    by = principal.made_by
    return (by and (by.token or by.member)) or principal.token_id
