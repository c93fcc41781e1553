"""Since when an agent has shown no sign of work: its frames, and all else that its session's log has of it."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import orjson

from broker.domain.agents.agents import Agent
from broker.domain.ids import AgentId
from broker.domain.logs.event_filter import EventFilter
from broker.domain.logs.events import Cursor
from broker.services.ports import EventLog
from broker.services.workflows.scene import Scene

_PAGE = 500
_KEPT = 1_000


@dataclass(frozen=True, slots=True)
class _Read:
    """As far as the log was read for an agent; another worker reads it from the start."""

    upto: Cursor | None
    last_ms: int


class Idleness:
    """Reads the log for that, each event once."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._known: OrderedDict[AgentId, _Read] = OrderedDict()

    async def last_sign_ms(self, scene: Scene, agent: Agent, *, since_ms: int) -> int:
        """When the agent last did something, `since_ms` at the least; one that waits for a person's answer is busy."""
        if agent.waiting_approvals:
            return scene.now_ms
        read = self._known.pop(agent.id, _Read(None, since_ms))
        only = EventFilter(agents=frozenset({agent.name.lower()}))
        while True:
            page = await self._log.read(scene.workspace, scene.session.id, after=read.upto, limit=_PAGE, only=only)
            found = [event["at_ms"] for event in map(orjson.loads, page.events) if event["agent"] == agent.id]
            read = _Read(page.next, max([read.last_ms, *found]))
            if page.next.offset >= page.head.offset:
                break
        self._known[agent.id] = read
        if len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return read.last_ms
