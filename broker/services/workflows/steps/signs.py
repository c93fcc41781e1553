"""What a session's log tells of an agent that works on a step.

Since when it shows no sign, what it has spent, and which limit of its vendor it has met.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from broker.domain.agents.agents import Agent
from broker.domain.agents.limits import Reached, read_limit_of_frame, read_limit_of_words, says_room
from broker.domain.ids import AgentId
from broker.domain.logs.event_filter import EventFilter
from broker.domain.logs.events import Cursor, EventKind
from broker.services.ports import EventLog
from broker.services.workflows.scene import Scene

_PAGE = 500
_KEPT = 1_000
_MICROS = 1_000_000


@dataclass(slots=True)
class _Signs:
    """As far as the log was read for an agent; another worker reads it from the start."""

    upto: Cursor | None = None
    last_ms: int = 0
    tokens: int = 0
    micro_usd: int = 0
    totals: dict[str, int] = field(default_factory=dict)
    """Of a vendor that reports what a whole conversation has used."""
    limit: Reached | None = None
    """What its vendor has said last of its limits."""

    def take(self, event: Mapping[str, Any]) -> None:
        """One event that is about the agent."""
        self.last_ms = max(self.last_ms, event["at_ms"])
        if event["kind"] != EventKind.AGENT_FRAME:
            return
        frame = event["data"].get("raw")
        if isinstance(frame, dict) and ((found := read_limit_of_frame(frame)) or says_room(frame)):
            self.limit = found
        used = [
            each for each in event["data"].get("events") or () if isinstance(each, dict) and each.get("type") == "usage"
        ]
        if used:
            self._charge(used[-1])

    def _charge(self, usage: Mapping[str, Any]) -> None:
        tokens = sum(_amount(usage.get(name)) for name in ("input_tokens", "output_tokens"))
        spent = {"tokens": tokens, "micro_usd": _amount(usage.get("cost_usd"), times=_MICROS)}
        for unit, amount in spent.items():
            grown = amount
            if usage.get("cumulative") is True:
                before = self.totals.get(unit, 0)
                grown = amount - before if amount >= before else amount
                self.totals[unit] = amount
            setattr(self, unit, getattr(self, unit) + grown)


class AgentSigns:
    """Reads the log for that, each event once."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._known: OrderedDict[AgentId, _Signs] = OrderedDict()

    async def last_ms(self, scene: Scene, agent: Agent, *, since_ms: int) -> int:
        """When the agent last did something, `since_ms` at the least; one that waits for a person's answer is busy."""
        if agent.waiting_approvals:
            return scene.now_ms
        return max(since_ms, (await self._read(scene, agent)).last_ms)

    async def spent(self, scene: Scene, agent: Agent) -> tuple[int, int]:
        """Tokens into models and out of them, and millionths of a dollar, as its vendor has reported them."""
        found = await self._read(scene, agent)
        return found.tokens, found.micro_usd

    async def limit(self, scene: Scene, agent: Agent, said: str) -> Reached | None:
        """The vendor's limit that has ended the agent's turn, by its own frames or by what that ended with."""
        signs = await self._read(scene, agent)
        return signs.limit or read_limit_of_words(said, now_ms=scene.now_ms)

    async def _read(self, scene: Scene, agent: Agent) -> _Signs:
        signs = self._known.pop(agent.id, None) or _Signs()
        only = EventFilter(agents=frozenset({agent.name.lower()}))
        while True:
            page = await self._log.read(scene.workspace, scene.session.id, after=signs.upto, limit=_PAGE, only=only)
            for event in map(orjson.loads, page.events):
                if event["agent"] == agent.id:
                    signs.take(event)
            signs.upto = page.next
            if page.next.offset >= page.head.offset:
                break
        self._known[agent.id] = signs
        if len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return signs


def _amount(value: object, *, times: int = 1) -> int:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
    return round(value * times) if is_number else 0  # type: ignore[operator]  # it is a number
