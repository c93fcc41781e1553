"""Requests that may come again, in Redis."""

from __future__ import annotations

from broker.adapters.redis import keys
from broker.adapters.redis.client import TextRedis
from broker.domain.ids import WorkspaceId


class RedisRequests:
    """Implements `RequestRecords`."""

    def __init__(self, redis: TextRedis) -> None:
        self._redis = redis

    async def begin(self, workspace: WorkspaceId, request: str, entry: bytes, *, seconds: float) -> str | None:
        """Write a request down. None when it is new, else the entry that is there already."""
        found = await self._redis.set(_key(workspace, request), entry, px=_ms(seconds), nx=True, get=True)
        return found if isinstance(found, str) else None

    async def finish(self, workspace: WorkspaceId, request: str, entry: bytes, *, seconds: float) -> None:
        """Replace the entry."""
        await self._redis.set(_key(workspace, request), entry, px=_ms(seconds))

    async def drop(self, workspace: WorkspaceId, request: str) -> None:
        """It came to nothing: the same may be tried again."""
        await self._redis.delete(_key(workspace, request))


def _key(workspace: WorkspaceId, request: str) -> str:
    return keys.key(workspace, "once", request)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
