"""Saved views, in one hash for each page."""

from __future__ import annotations

import orjson

from broker.adapters.redis import keys
from broker.adapters.redis.client import TextRedis
from broker.adapters.redis.scripts import Scripts
from broker.domain.ids import WorkspaceId
from broker.domain.views.views import MAX_VIEWS, View, ViewPage


class RedisViews:
    """Implements `ViewRecords`."""

    def __init__(self, redis: TextRedis, scripts: Scripts) -> None:
        self._redis = redis
        self._scripts = scripts

    async def views(self, workspace: WorkspaceId, page: ViewPage) -> list[View]:
        """All of a page."""
        rows = await self._redis.hgetall(keys.key(workspace, "views", page))
        return [_view(page, name, row) for name, row in rows.items()]

    async def save(self, workspace: WorkspaceId, *, page: ViewPage, name: str, address: str, by: str) -> None:
        """Keep a view, in place of one of that name. Raises `Conflict` (TOO_MANY_VIEWS)."""
        await self._scripts.run("save_view", workspace, page=page, name=name, address=address, by=by, most=MAX_VIEWS)

    async def remove(self, workspace: WorkspaceId, *, page: ViewPage, name: str) -> None:
        """Forget a view; one that is not there is forgotten already."""
        await self._redis.hdel(keys.key(workspace, "views", page), name)


def _view(page: ViewPage, name: str, text: str) -> View:
    row = orjson.loads(text)
    return View(page=page, name=name, address=row["address"], by=row["by"], at_ms=int(row["at_ms"]))
