"""Which layout the data in Redis has, and how an older one is brought forward.

The format is a number beside the data: raised when a version writes something that the version before it does not
expect. `oldest` is the lowest format that a program must know to work on the data all the same: as long as it stays,
processes of the version before run beside those of this one while an installation is upgraded, and it can be rolled
back. The log store has its own numbers: the migrations of its tables (`adapters/clickhouse/schema.py`).
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from broker.adapters.redis import keys
from broker.adapters.redis.client import TextRedis
from broker.domain.errors import RelayError
from broker.domain.ids import WorkspaceId

_log = logging.getLogger(__name__)
FORMAT = 3
"""What this version writes."""
OLDEST = 1
"""What a program must know to work on what this version writes."""
_LOCK_MS = 60_000
"""A process that died while it brought data forward holds the others up for so long; steps can be repeated."""
_PAUSE_S = 0.5


class StoreTooNew(RelayError):
    """The data was written by a version that this one cannot follow; nothing was changed."""

    code = "STORE_TOO_NEW"
    http_status = 409


Step = Callable[[TextRedis, WorkspaceId], Awaitable[None]]
"""Brings one workspace to the next format. It may be cut off anywhere, and run again on what it has done."""


async def bring_forward(redis: TextRedis, *, program: str, steps: Mapping[int, Step]) -> int:
    """Bring the data to this version's format; the format it had, 0 for an empty store.

    `program` is the version that says so in the store. `steps` lead from a format to the next, where that takes more
    than writing new things beside the old ones. Any number of processes may start at once. Raises `StoreTooNew`,
    `Unavailable`.
    """
    had = await _format(redis)
    if had >= FORMAT:
        return had
    async with _alone(redis):
        had = await _format(redis)
        for old in range(max(had, 1), FORMAT):
            if had and (step := steps.get(old)):
                await _step(redis, old, step)
        await redis.hset(keys.FORMAT, "oldest", str(OLDEST))
        await redis.hset(keys.FORMAT, "by", program)
        await redis.hset(keys.FORMAT, "version", str(FORMAT))
    return had


async def _format(redis: TextRedis) -> int:
    version, oldest, by = await redis.hmget(keys.FORMAT, "version", "oldest", "by")
    if version is None:
        # The first version wrote no number.
        return 1 if await redis.smembers(keys.WORKSPACES) else 0
    if int(oldest or version) > FORMAT:
        raise StoreTooNew(
            f"the store was written by Relaycast {by} in format {version}; this version knows formats up to {FORMAT}:"
            f" start Relaycast {by} or a newer one"
        )
    return int(version)


async def _step(redis: TextRedis, old: int, step: Step) -> None:
    workspaces = sorted(await redis.smembers(keys.WORKSPACES))
    _log.warning("bringing the data of %d workspaces from format %d to %d", len(workspaces), old, old + 1)
    for workspace in workspaces:
        await step(redis, WorkspaceId(workspace))
    await redis.hset(keys.FORMAT, "version", str(old + 1))


@asynccontextmanager
async def _alone(redis: TextRedis) -> AsyncIterator[None]:
    holder = secrets.token_hex(8)
    while not await redis.set(keys.FORMAT_LOCK, holder, px=_LOCK_MS, nx=True):
        _log.info("another process brings the data forward; waiting for it")
        # Never later than it is: but sooner, where the store's clock was set back since it was taken.
        await redis.pexpire(keys.FORMAT_LOCK, _LOCK_MS, lt=True)
        await asyncio.sleep(_PAUSE_S)
    try:
        yield
    finally:
        if await redis.get(keys.FORMAT_LOCK) == holder:
            await redis.delete(keys.FORMAT_LOCK)
