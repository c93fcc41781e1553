"""How long Stop all takes to reach agents that are all in a turn."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from connect.sdk import AgentRelay, Event
from tests.bench.figures import Figure, Section, p50, p99
from tests.bench.growth import spawn_agents
from tests.bench.stage import Broker, discard_output, running_relay_connect

_TASK = "bench-wait;"
"""The agent's turn lasts until it is cancelled, and says when it read that."""
_BEGIN_S, _STOP_S = 300, 120
_EXPLAINED = (
    "All agents are real processes under one relay-connect, in one session, and each is in a turn that lasts until it "
    "is interrupted. From just before the SDK's `stop_all(everywhere=True)`: until it has returned, from when on no "
    "turn begins; until the agents' processes have read `session/cancel` from their stdin; until the log has the end "
    "of the last turn; until the log says that every agent was met. Then `resume_all`, and until one message that "
    "waited for each agent is answered."
)
_HEAD = (
    "agents",
    "returned ms",
    "cancel read p50 ms",
    "p99 ms",
    "last ms",
    "all turns ended ms",
    "every agent met ms",
    "interrupted",
    "resumed: returned ms",
    "all answered ms",
)


async def measure_stops(broker: Broker, *, steps: Sequence[int]) -> Section:
    section = Section(title="Stop all", explained=_EXPLAINED, head=_HEAD)
    async with running_relay_connect(broker, "stops") as proxy, broker.relay() as relay:
        draining = asyncio.create_task(discard_output(proxy))
        names: list[str] = []
        for step in steps:
            new = [f"S{number}" for number in range(len(names), step)]
            await spawn_agents(relay, new, on="stops")
            names += new
            section.rows.append(await _row(relay, names))
        draining.cancel()
    return section


async def _row(relay: AgentRelay, names: Sequence[str]) -> tuple[Figure, ...]:
    busy = _Awaited(relay, "turn.started", len(names))
    async with busy, asyncio.timeout(_BEGIN_S):
        for name in names:
            await relay.send(name, _TASK)
        await busy.found
    for name in names:
        await relay.send(name, "What waits while it is stopped.")
    ended, met = _Awaited(relay, "turn.ended", len(names)), _Awaited(relay, "stop.finished", 1)
    async with ended, met, asyncio.timeout(_STOP_S):
        began = time.time_ns()
        await relay.stop_all(everywhere=True)
        returned = time.time_ns()
        turns, (finished,) = await ended.found, await met.found
    read = [(int(turn.data["text"]) - began) / 1e6 for turn in turns]
    answered = _Awaited(relay, "turn.ended", len(names))
    async with answered, asyncio.timeout(_BEGIN_S):
        lifted = time.time_ns()
        await relay.resume_all(everywhere=True)
        resumed = time.time_ns()
        await answered.found
    return (
        len(names),
        (returned - began) / 1e6,
        p50(read),
        p99(read),
        max(read),
        (ended.at_ns - began) / 1e6,
        (met.at_ns - began) / 1e6,
        finished.data["interrupted"],
        (resumed - lifted) / 1e6,
        (answered.at_ns - lifted) / 1e6,
    )


class _Awaited:
    """So many events of a kind, from when it is entered on, and when the last of them came."""

    def __init__(self, relay: AgentRelay, kind: str, count: int) -> None:
        self._relay = relay
        self._kind = kind
        self._count = count
        self.at_ns = 0

    async def __aenter__(self) -> None:
        (last,) = await self._relay.recent(limit=1)
        self._after = f"{last.epoch}:{last.offset}"
        self.found: asyncio.Task[list[Event]] = asyncio.create_task(self._follow())

    async def __aexit__(self, *_: object) -> None:
        self.found.cancel()

    async def _follow(self) -> list[Event]:
        events: list[Event] = []
        async for event in self._relay.events(after=self._after):
            if isinstance(event, Event) and event.kind == self._kind:
                events.append(event)
            if len(events) == self._count:
                break
        self.at_ns = time.time_ns()
        return events
