"""Which processes of the broker live: each says so again and again, and is forgotten when it stops."""

from __future__ import annotations

from pydantic import TypeAdapter

from broker.adapters.redis import keys
from broker.adapters.redis.client import TextRedis
from broker.domain.operations.status import BrokerProcess

_PROCESS: TypeAdapter[BrokerProcess] = TypeAdapter(BrokerProcess)
_LIFE_MS = 20_000
"""Four beats: one that stands still for a moment is not forgotten."""


class RedisProcesses:
    """Implements `Processes`."""

    def __init__(self, redis: TextRedis) -> None:
        self._redis = redis

    async def beat(self, process: BrokerProcess) -> None:
        """It lives, for some seconds more."""
        await self._redis.set(keys.process(process.id), _PROCESS.dump_json(process), px=_LIFE_MS)
        await self._redis.sadd(keys.PROCESSES, process.id)

    async def end(self, process: BrokerProcess) -> None:
        """It ends in good order."""
        await self._redis.delete(keys.process(process.id))
        await self._redis.srem(keys.PROCESSES, process.id)

    async def alive(self) -> list[BrokerProcess]:
        """Those that have lately said so, oldest first."""
        ids = sorted(await self._redis.smembers(keys.PROCESSES))
        pipe = self._redis.pipeline(transaction=False)
        for each in ids:
            pipe.get(keys.process(each))
            # One that died would count as alive for longer where the store's clock was set back since.
            pipe.pexpire(keys.process(each), _LIFE_MS, lt=True)
        rows: list[str | None] = (await pipe.execute())[::2] if ids else []
        gone = [each for each, row in zip(ids, rows, strict=True) if row is None]
        if gone:
            await self._redis.srem(keys.PROCESSES, *gone)
        return sorted((_PROCESS.validate_json(row) for row in rows if row), key=lambda each: each.started_at_ms)
