"""One-time sign-in codes by their hash, and counters of failed attempts; both end by themselves."""

from __future__ import annotations

import secrets

import orjson
from pydantic import TypeAdapter

from broker.adapters.redis import keys
from broker.adapters.redis.audit.records import RedisAuditRecords
from broker.adapters.redis.client import TextRedis
from broker.adapters.redis.people.one_time import take_once
from broker.adapters.redis.people.tokens import remaining_ms
from broker.adapters.redis.scripts import Scripts
from broker.domain.audit.acts import Act
from broker.domain.people.members import PendingSignIn

_PENDING: TypeAdapter[PendingSignIn] = TypeAdapter(PendingSignIn)


class RedisSignInCodes:
    """Implements `SignInCodes`."""

    def __init__(self, redis: TextRedis, scripts: Scripts) -> None:
        self._redis = redis
        self._audit = RedisAuditRecords(redis, scripts)

    async def keep(self, sha256: str, pending: PendingSignIn, *, expires_at_ms: int) -> None:
        """Let a code be used until then."""
        life_ms = remaining_ms(expires_at_ms)
        if life_ms > 0:
            # Whoever has the link is that member: it is written down before it is good.
            await self._audit.note(pending.workspace, Act.MEMBER_LINK_MADE, on=f"member {pending.member}")
            await self._redis.set(keys.sign_in_code(sha256), orjson.dumps(pending), px=life_ms)

    async def take(self, sha256: str) -> PendingSignIn | None:
        """What a code is for, and its end: the next one to ask gets None."""
        pending = await take_once(self._redis, keys.sign_in_code(sha256))
        return None if pending is None else _PENDING.validate_json(pending)

    async def failures(self, address: str) -> int:
        """How often an address has lately failed."""
        return await self._redis.scard(keys.failed_sign_ins(address))

    async def count_failure(self, address: str, *, window_s: int) -> None:
        """It failed; forgotten a while after the first. Each failure is a member of its own, so none counts twice."""
        pipe = self._redis.pipeline(transaction=False)
        pipe.sadd(keys.failed_sign_ins(address), secrets.token_hex(8))
        # Never later than it is: but sooner, where the store's clock was set back since.
        pipe.expire(keys.failed_sign_ins(address), window_s, lt=True)
        await pipe.execute()
