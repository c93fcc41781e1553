"""What the log store does not have yet: a set of sessions, and each session's shipped offset."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing

from broker.adapters.redis import keys
from broker.adapters.redis.client import TextRedis, listen_on
from broker.adapters.redis.logs.retention import RedisRetention
from broker.adapters.redis.scripts import Scripts
from broker.domain.errors import NotFound
from broker.domain.ids import SessionId, WorkspaceId
from broker.domain.logs.events import Cursor


class RedisBacklog:
    """Implements `Backlog`."""

    def __init__(self, redis: TextRedis, scripts: Scripts) -> None:
        self._redis = redis
        self._scripts = scripts
        self._retention = RedisRetention(redis, scripts)

    async def begin(self, workspace: WorkspaceId) -> None:
        """Keep the workspace's logs until they are shipped, from now on."""
        await self._scripts.run("begin_shipping", workspace)

    async def lease(self, workspace: WorkspaceId, holder: str, *, seconds: float) -> bool:
        """Take or renew the right to ship a workspace.

        It only saves double work: rows are de-duplicated and positions never go back, so two shippers do no harm.
        """
        length_ms = int(seconds * 1000)
        return bool(await self._scripts.run("lease_shipping", workspace, by=holder, length_ms=length_ms))

    async def ships(self, workspace: WorkspaceId) -> bool:
        """Whether anything of it may be in a log store."""
        return await self._redis.get(keys.key(workspace, "history")) is not None

    async def waiting(self, workspace: WorkspaceId) -> list[SessionId]:
        """Sessions with unshipped events."""
        return [SessionId(s) for s in await self._redis.smembers(keys.key(workspace, "unshipped"))]

    async def log_days(self, workspace: WorkspaceId) -> int:
        """How long the workspace's log is kept, by its plan or its own setting."""
        return (await self._retention.retention(workspace)).days

    async def read_shipped(self, workspace: WorkspaceId, session: SessionId) -> Cursor:
        """Up to where the log store has a session. Raises `NotFound`."""
        epoch, shipped = await self._redis.hmget(keys.key(workspace, "session", session), "epoch", "shipped")
        if epoch is None:
            raise NotFound(f"no session {session}", code="SESSION_NOT_FOUND")
        return Cursor(epoch, int(shipped or 0))

    async def mark(self, workspace: WorkspaceId, session: SessionId, upto: Cursor, *, keep: int) -> bool:
        """The log store has everything up to a position. True when nothing more waits."""
        done = await self._scripts.run(
            "mark_shipped", workspace, session=session, epoch=upto.epoch, offset=upto.offset, keep=keep
        )
        return bool(done == 1)

    async def wakeups(self) -> AsyncIterator[WorkspaceId | None]:
        """Workspaces, as sessions in them begin to have unshipped events; None: some may be lost."""
        async with aclosing(listen_on(self._redis, keys.SHIP_CHANNEL)) as messages:
            async for message in messages:
                yield None if message is None else keys.workspace_of(message)
