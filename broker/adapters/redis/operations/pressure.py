"""What waits in Redis, and how much room it has."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import orjson

from broker.adapters.redis import keys
from broker.adapters.redis.client import TextRedis
from broker.adapters.redis.scripts import Scripts
from broker.domain.ids import WorkspaceId
from broker.domain.messages.steps import ReceiptState
from broker.domain.operations.administrators import Counts
from broker.domain.operations.status import StoreRoom, Waiting


class RedisPressure:
    """Implements `Pressure`."""

    def __init__(self, redis: TextRedis, *, folder: Path | None = None) -> None:
        """`folder`: where a server of our own keeps its data; another server's disk cannot be seen from here."""
        self._redis = redis
        self._scripts = Scripts(redis)
        self._folder = folder

    async def now_ms(self) -> int:
        """The store's clock, Unix time."""
        seconds, microseconds = await self._redis.time()
        return seconds * 1000 + microseconds // 1000

    async def format(self) -> int:
        """Which layout the data has."""
        return int(await self._redis.hget(keys.FORMAT, "version") or 1)

    async def require_writable(self) -> None:
        """Return when whatever is sent now can be stored. Raises `Unavailable` with the reason."""
        await self._redis.require_writable()

    async def room(self) -> StoreRoom:
        """How full the store is."""
        memory = await self._redis.info("memory")
        disk = shutil.disk_usage(self._folder) if self._folder else None
        return StoreRoom(
            used_bytes=int(memory["used_memory"]),
            limit_bytes=int(memory["maxmemory"]) or None,
            disk_free_bytes=disk.free if disk else None,
            disk_bytes=disk.total if disk else None,
        )

    async def measure_unshipped(self, workspace: WorkspaceId) -> Waiting:
        """Events that the log store does not have yet."""
        sessions = sorted(await self._redis.smembers(keys.key(workspace, "unshipped")))
        pipe = self._redis.pipeline(transaction=False)
        for session in sessions:
            pipe.hmget(keys.key(workspace, "session", session), "offset", "shipped")
        rows: list[list[str | None]] = await pipe.execute() if sessions else []
        shipped = {each: int(row[1] or 0) for each, row in zip(sessions, rows, strict=True)}
        count = sum(int(row[0] or 0) - int(row[1] or 0) for row in rows)
        pipe = self._redis.pipeline(transaction=False)
        for session, offset in shipped.items():
            pipe.xrange(keys.key(workspace, "log", session), min=f"{offset + 1}-0", count=1)
        firsts: list[list[tuple[str, dict[str, str]]]] = await pipe.execute() if shipped else []
        ages = [int(orjson.loads(entry["e"])["at_ms"]) for found in firsts for _, entry in found]
        return Waiting(count=count, oldest_at_ms=min(ages, default=None))

    async def unread(self, workspace: WorkspaceId) -> Waiting:
        """Messages that no agent has in its turn yet."""
        agents = sorted(await self._redis.smembers(keys.key(workspace, "live")))
        pipe = self._redis.pipeline(transaction=False)
        for agent in agents:
            # Numbers grow with time; interrupts stand before all others, with numbers below zero.
            pipe.zcard(keys.key(workspace, "queue", agent))
            pipe.zrange(keys.key(workspace, "queue", agent), 0, 0)
            pipe.zrange(keys.key(workspace, "queue", agent), "0", "+inf", byscore=True, offset=0, num=1)
            pipe.lrange(keys.key(workspace, "inflight", agent), 0, -1)
        found = await pipe.execute() if agents else []
        count, heads = 0, set()
        for position, agent in enumerate(agents):
            queued, first, first_waiting, inflight = found[4 * position : 4 * position + 4]
            count += queued
            heads |= {(agent, message) for message in (*first, *first_waiting, *inflight)}
        return await self._oldest(workspace, heads, queued=count)

    async def _oldest(self, workspace: WorkspaceId, heads: set[tuple[str, str]], *, queued: int) -> Waiting:
        pipe = self._redis.pipeline(transaction=False)
        asked = sorted(heads)
        for agent, message in asked:
            pipe.hmget(keys.key(workspace, "message", message), "at", f"r:{agent}")
        rows: list[list[str | None]] = await pipe.execute() if asked else []
        unread = [(int(at), state) for at, state in rows if at and state and ReceiptState(state).is_unread]
        handed = sum(state != "queued" for _, state in unread)
        return Waiting(count=queued + handed, oldest_at_ms=min((at for at, _ in unread), default=None))

    async def agents(self, workspace: WorkspaceId) -> dict[str, int]:
        """Living agents by state."""
        agents = sorted(await self._redis.smembers(keys.key(workspace, "live")))
        pipe = self._redis.pipeline(transaction=False)
        for agent in agents:
            pipe.hget(keys.key(workspace, "agent", agent), "state")
        states: list[str | None] = await pipe.execute() if agents else []
        return dict(Counter(state for state in states if state))

    async def counts(self, workspace: WorkspaceId) -> Counts:
        """How many of each it has."""
        members, tokens, sessions, machines, online, agents = await self._scripts.run("count_workspace", workspace)
        return Counts(
            members=members,
            tokens=tokens,
            sessions=sessions,
            machines=machines,
            machines_online=online,
            agents=agents,
        )
