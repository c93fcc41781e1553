"""Requests that may come again, in Redis."""

from __future__ import annotations

from broker.adapters.redis import keys
from broker.adapters.redis.client import TextRedis
from broker.adapters.redis.scripts import Scripts
from broker.domain.ids import WorkspaceId


class RedisRequests:
    """Implements `RequestRecords`."""

    def __init__(self, redis: TextRedis, scripts: Scripts) -> None:
        self._redis = redis
        self._scripts = scripts

    async def begin(self, workspace: WorkspaceId, request: str, entry: bytes, *, seconds: float) -> str | None:
        """Write a request down. None when it is new, else the entry that is there already."""
        found = await self._redis.set(_key(workspace, request), entry, px=_ms(seconds), nx=True, get=True)
        # Its own entry is what a command finds that is carried out a second time, as its first answer was lost.
        return found if isinstance(found, str) and found != entry.decode() else None

    async def finish(
        self, workspace: WorkspaceId, request: str, entry: bytes, outcome: bytes, *, seconds: float
    ) -> None:
        """Put the outcome in the place of its entry, unless another's is there by now."""
        life_ms = _ms(seconds)
        await self._scripts.run(
            "settle_request", workspace, request=request, entry=entry, outcome=outcome, life_ms=life_ms
        )

    async def drop(self, workspace: WorkspaceId, request: str, entry: bytes) -> None:
        """It came to nothing: the same may be tried again, if the entry is still this one."""
        await self._scripts.run("settle_request", workspace, request=request, entry=entry, outcome="", life_ms=0)


def _key(workspace: WorkspaceId, request: str) -> str:
    return keys.key(workspace, "once", request)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
