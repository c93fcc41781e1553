"""Makes sessions and agents again out of an archive."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from broker.adapters.redis.scripts import Scripts
from broker.domain.agents.agents import Agent
from broker.domain.agents.sessions import Session
from broker.domain.ids import WorkspaceId


class RedisRestoring:
    """Implements `Restoring`."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    async def restore_session(self, workspace: WorkspaceId, session: Session, agents: Sequence[Agent]) -> None:
        """A session with its numbers and its ended agents; nothing when it is here."""
        came = sorted(agents, key=lambda agent: agent.spawned_at_ms)
        rows = orjson.dumps([_flat(_agent(agent)) for agent in came])
        row = orjson.dumps(_flat(_session(session)))
        await self._scripts.run(
            "restore_session", workspace, session=session.id, name=session.name, row=row, agents=rows
        )


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


def _flat(fields: dict[str, str | int | None]) -> list[str]:
    """As Redis takes fields; without those that are not known."""
    return [each for name, value in fields.items() if value is not None for each in (name, str(value))]
