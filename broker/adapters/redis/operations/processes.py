"""Which processes of the broker live: each says so again and again, and is forgotten when it stops."""

from __future__ import annotations

from collections.abc import Mapping

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
            pipe.pttl(keys.process(each))
        answers = await pipe.execute() if ids else []
        rows: list[str | None] = answers[::2]
        await self._tidy(dict(zip(ids, rows, strict=True)), dict(zip(ids, answers[1::2], strict=True)))
        return sorted((_PROCESS.validate_json(row) for row in rows if row), key=lambda each: each.started_at_ms)

    async def _tidy(self, rows: Mapping[str, str | None], lives_ms: Mapping[str, int]) -> None:
        """Forget those that are gone. A store that takes no writes for now tells of the others all the same."""
        pipe = self._redis.pipeline(transaction=False)
        for each, life_ms in lives_ms.items():
            if rows[each] is None:
                pipe.srem(keys.PROCESSES, each)
            elif life_ms > _LIFE_MS:  # the store's clock was set back since: one that died would live for longer
                pipe.pexpire(keys.process(each), _LIFE_MS)
        await pipe.execute(raise_on_error=False)
