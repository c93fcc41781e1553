"""The list of agents in a real browser, while a thousand of them begin and end turns."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from itertools import count

from playwright.async_api import Page
from websockets.asyncio.client import ClientConnection

from broker.protocol.agents.events import TurnEnded, TurnOutcome, TurnStarted
from broker.protocol.proxy import NumberedReport, Spawn, StateChanged
from tests.bench.dashboard import COUNT_FRAMES, HEAP_MIB, frames_while_idle, signed_in
from tests.bench.figures import Section
from tests.bench.link_client import CLI, LinkClient, open_link
from tests.bench.stage import Broker

_AIM_FRAMES = 55
_RATE, _BATCH = 200, 10
"""Changes of state a second, and how many are reported together."""
_SPAWNED_AT_ONCE = 20
_LISTED = "(count) => document.querySelector('[role=table]')?.ariaRowCount >= count"
_EXPLAINED = (
    "Headless Chromium, drawing in software on the cores that the broker has too. Each change is a turn that begins "
    "or ends, reported by one machine and told by one subscription. Frames drawn a second (requestAnimationFrame), and "
    "the page's heap after a collection, while agents change in turn."
)


class FleetLink(LinkClient):
    """One link with many agents."""

    def __init__(self, socket: ClientConnection) -> None:
        super().__init__(socket)
        self.spawned: list[Spawn] = []

    async def _started(self, spawn: Spawn) -> None:
        self.spawned.append(spawn)
        await super()._started(spawn)

    async def turns(self, agents: Sequence[Spawn], *, begin: bool) -> None:
        """Report that turns of agents have begun, or have ended."""
        reports = [NumberedReport(seq=self._next(), report=_turn(agent, begin=begin)) for agent in agents]
        await self._report([report.model_dump_json().encode() for report in reports])


def _turn(agent: Spawn, *, begin: bool) -> StateChanged:
    event = TurnStarted(turn_id="t") if begin else TurnEnded(turn_id="t", outcome=TurnOutcome.COMPLETED)
    return StateChanged(agent=agent.agent, generation=agent.generation, event=event)


async def measure_fleet(broker: Broker, *, agents: int, seconds: int) -> Section:
    """Start them, open the list, and let them change."""
    async with open_link(broker, "fleet", FleetLink) as link, signed_in(broker) as visitor:
        await _spawn(broker, agents)
        page = await visitor.tab(f"{broker.url}/")
        await page.wait_for_function(_LISTED, arg=agents)
        before = await page.evaluate(HEAP_MIB)
        idle = await frames_while_idle(page)
        rate, frames = await _frames_while_changing(page, link, seconds=seconds)
        after = await page.evaluate(HEAP_MIB)
    changing = f"{agents:,} agents changing state {rate:.0f} times / s for {seconds} s, frames / s"
    return Section(
        title="The list of agents",
        explained=_EXPLAINED,
        head=("what", "measured", "aim", "measured / aim"),
        rows=[
            ("the same page while nothing changes, frames / s", idle, None, None),
            (changing, frames, _AIM_FRAMES, frames / _AIM_FRAMES),
            ("heap before, MiB", before, None, None),
            ("heap after, MiB", after, before, after / before),
        ],
    )


async def _spawn(broker: Broker, agents: int) -> None:
    async with broker.relay() as relay:
        for first in range(0, agents, _SPAWNED_AT_ONCE):
            names = [f"Agent-{number}" for number in range(first, min(first + _SPAWNED_AT_ONCE, agents))]
            await asyncio.gather(*(relay.spawn(name, CLI, on="fleet") for name in names))


async def _frames_while_changing(page: Page, link: FleetLink, *, seconds: int) -> tuple[float, float]:
    """The changes and the frames a second."""
    loop = asyncio.get_running_loop()
    await page.evaluate(COUNT_FRAMES)
    began, changed = loop.time(), 0
    for batch, begin in _changes(link.spawned):
        if loop.time() - began >= seconds:
            break
        await link.turns(batch, begin=begin)
        changed += len(batch)
        await asyncio.sleep(began + changed / _RATE - loop.time())
    took = loop.time() - began
    return changed / took, float(await page.evaluate("stopCounting()")) / took


def _changes(agents: Sequence[Spawn]) -> Iterator[tuple[Sequence[Spawn], bool]]:
    """All of them begin a turn, batch by batch; then all end it, and so on."""
    for round_ in count():
        for first in range(0, len(agents), _BATCH):
            yield agents[first : first + _BATCH], round_ % 2 == 0
