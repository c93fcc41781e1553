"""What leads from each format of the data to the next. Each step can be cut off anywhere and be run again."""

from __future__ import annotations

from collections.abc import Mapping

from broker.adapters.redis import keys
from broker.adapters.redis.client import TextRedis
from broker.adapters.redis.people.workspaces import RedisWorkspaces
from broker.adapters.redis.scripts import Scripts
from broker.adapters.redis.store_format import Step
from broker.domain.ids import SessionId, WorkspaceId

_FEW, _MANY = 10, 100
"""Entries that are looked at in one go of the server, which serves nobody else meanwhile. One may have 16 MiB."""
_SMALL_BYTES = 4096


async def _end_and_measure(redis: TextRedis, workspace: WorkspaceId) -> None:
    """Format 2 knows how many bytes a log has, and when a machine or an agent that has ended is forgotten."""
    scripts = Scripts(redis)
    await scripts.run("date_machines", workspace)
    for session in await redis.hvals(keys.key(workspace, "session_names")):
        await scripts.run("date_agents", workspace, session=session)
        await _measure(scripts, workspace, SessionId(session))


async def _measure(scripts: Scripts, workspace: WorkspaceId, session: SessionId) -> None:
    after, written, count = 0, 0, _FEW
    while True:
        last, size = await scripts.run("mark_log", workspace, session=session, after=after, written=written, most=count)
        if last == after:
            return
        count = _MANY if (size - written) <= _SMALL_BYTES * count else _FEW
        after, written = last, size


async def _give_address(redis: TextRedis, workspace: WorkspaceId) -> None:
    """Format 3 knows a workspace by a slug, too, in the addresses of its pages."""
    workspaces = RedisWorkspaces(redis, Scripts(redis))
    known = await workspaces.get(workspace)
    if known is not None:
        await workspaces.create(workspace, name=known.name, plan=known.plan)


STEPS: Mapping[int, Step] = {1: _end_and_measure, 2: _give_address}
"""By the format they start from."""
