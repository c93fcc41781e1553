"""What failed and nobody has looked at, in one list of a workspace."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

import orjson

from broker.adapters.redis import keys
from broker.adapters.redis.client import TextRedis
from broker.adapters.redis.scripts import Scripts
from broker.domain.agents.agents import AgentState
from broker.domain.ids import AgentId, MessageId, SessionId, WorkspaceId
from broker.domain.needs.needs import FailedAgent, Failure, Undelivered

_OF_AGENT = ("session", "name", "state", "generation", "reason", "detail", "native")
_LONGEST = 1000
"""Of a message's text: more is not shown in a list."""


class _Row(NamedTuple):
    """How a failure is kept."""

    kind: str
    thing: str
    of: str


class RedisFailures:
    """Implements `Failures`."""

    def __init__(self, redis: TextRedis, scripts: Scripts) -> None:
        self._redis = redis
        self._scripts = scripts

    async def failures(self, workspace: WorkspaceId, *, limit: int) -> list[Failure]:
        """The newest, without those of what is gone or was brought back."""
        kept = await self._redis.zrangebyscore(keys.key(workspace, "failures"), "-inf", "+inf", withscores=True)
        rows = [(_Row(*row.split("|")), int(at_ms)) for row, at_ms in reversed(kept[-limit:])]
        pipe = self._redis.pipeline(transaction=False)
        for row, _ in rows:
            if row.kind == "agent":
                pipe.hmget(keys.key(workspace, "agent", row.thing), _OF_AGENT)
            else:
                pipe.hmget(keys.key(workspace, "message", row.thing), ["session", "body", f"n:{row.of}", f"x:{row.of}"])
        answers = await pipe.execute() if rows else []
        found = [_failure(row, at_ms, answer) for (row, at_ms), answer in zip(rows, answers, strict=True)]
        return [each for each in found if each is not None]

    async def dismiss(self, workspace: WorkspaceId, rows: Collection[str]) -> int:
        """Take some off; how many were there."""
        return int(await self._scripts.run("dismiss_failures", workspace, rows=list(rows)))


def _failure(row: _Row, at_ms: int, answer: list[str | None]) -> Failure | None:
    thing, of = row.thing, row.of
    if row.kind == "agent":
        session, name, state, generation, reason, detail, native = answer
        if session is None or state != AgentState.FAILED or generation != of:
            return None
        return FailedAgent(
            id=AgentId(thing),
            generation=int(of),
            session=SessionId(session),
            name=name or "",
            reason=reason or "",
            detail=detail or "",
            at_ms=at_ms,
            resumable=bool(native),
        )
    session, body, to, reason = answer
    if session is None or body is None:
        return None
    message: dict[str, Any] = orjson.loads(body)
    return Undelivered(
        message=MessageId(thing),
        agent=AgentId(of),
        to=to or "",
        session=SessionId(session),
        sender=message["from"]["name"],
        text=message["text"][:_LONGEST],
        reason=reason or "",
        at_ms=at_ms,
    )
