"""Makes sessions and agents again out of an archive."""

from __future__ import annotations

from collections.abc import Sequence

from broker.adapters.redis import keys
from broker.adapters.redis.client import TextRedis
from broker.domain.agents import Agent
from broker.domain.ids import WorkspaceId
from broker.domain.sessions import Session


class RedisRestoring:
    """Implements `Restoring`."""

    def __init__(self, redis: TextRedis) -> None:
        self._redis = redis

    async def restore_session(self, workspace: WorkspaceId, session: Session, agents: Sequence[Agent]) -> None:
        """A session with its numbers and its ended agents; nothing when it is here."""
        key = keys.key(workspace, "session", session.id)
        if await self._redis.hget(key, "epoch") is not None:
            return  # made by an attempt before; it may have gone on since
        pipe = self._redis.pipeline()
        for agent in agents:
            pipe.hset(keys.key(workspace, "agent", agent.id), items=_flat(_agent(agent)))
            pipe.zadd(keys.key(workspace, "members", session.id), {agent.id: agent.spawned_at_ms})
        pipe.hset(keys.key(workspace, "session_names"), session.name, session.id)
        pipe.hset(key, items=_flat(_session(session)))
        await pipe.execute()


def _session(session: Session) -> dict[str, str | int | None]:
    return {
        "id": session.id,
        "name": session.name,
        "epoch": session.epoch,
        "offset": session.offset,
        # Its events come with the archive into the log store, not from here.
        "shipped": session.offset,
        "created": session.created_at_ms,
    }


def _agent(agent: Agent) -> dict[str, str | int | None]:
    return {
        "id": agent.id,
        "session": agent.session_id,
        "name": agent.name,
        "cli": agent.cli,
        "state": agent.state,
        "proxy": agent.proxy,
        "link": agent.proxy,
        "generation": agent.generation,
        "digest": "imported",
        "version": agent.version,
        "model_used": agent.model,
        "transport": agent.transport,
        "cwd_real": agent.cwd,
        "native": agent.native_id,
        "spawner_name": agent.spawner,
        "spawner": agent.spawner_id,
        "reason": agent.reason,
        "spawned": agent.spawned_at_ms,
        "since": agent.since_ms,
        "acked": agent.inbox_acked,
    }


def _flat(fields: dict[str, str | int | None]) -> list[str | int]:
    """As Redis takes fields; without those that are not known."""
    return [each for name, value in fields.items() if value is not None for each in (name, value)]
