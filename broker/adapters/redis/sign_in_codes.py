"""One-time sign-in codes by their hash, and counters of failed attempts; both end by themselves."""

from __future__ import annotations

import orjson
from pydantic import TypeAdapter

from broker.adapters.redis import keys
from broker.adapters.redis.client import TextRedis
from broker.domain.members import PendingSignIn

_PENDING: TypeAdapter[PendingSignIn] = TypeAdapter(PendingSignIn)


class RedisSignInCodes:
    """Implements `SignInCodes`."""

    def __init__(self, redis: TextRedis) -> None:
        self._redis = redis

    async def keep(self, sha256: str, pending: PendingSignIn, *, expires_at_ms: int) -> None:
        """Let a code be used until then."""
        await self._redis.set(keys.sign_in_code(sha256), orjson.dumps(pending), pxat=expires_at_ms)

    async def take(self, sha256: str) -> PendingSignIn | None:
        """What a code is for, and its end: the next one to ask gets None."""
        text = await self._redis.getdel(keys.sign_in_code(sha256))
        return _PENDING.validate_json(text) if text else None

    async def failures(self, address: str) -> int:
        """How often an address has lately failed."""
        return int(await self._redis.get(keys.failed_sign_ins(address)) or 0)

    async def count_failure(self, address: str, *, window_s: int) -> None:
        """It failed; forgotten a while after the first."""
        pipe = self._redis.pipeline(transaction=True)
        pipe.incr(keys.failed_sign_ins(address))
        pipe.expire(keys.failed_sign_ins(address), window_s, nx=True)
        await pipe.execute()
