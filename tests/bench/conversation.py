"""A session's conversation in a real browser: a long one opened and scrolled, and one answer that is written fast."""

from __future__ import annotations

import asyncio
import time

from playwright.async_api import Page
from websockets.asyncio.client import ClientConnection

from broker.domain.agents.sessions import DEFAULT_SESSION
from broker.protocol import proxy
from broker.protocol.agents.events import TextStreamed, TurnEnded, TurnOutcome, TurnStarted
from broker.protocol.proxy import FrameRecorded, NumberedReport, StateChanged
from tests.bench.dashboard import COUNT_FRAMES, HEAP_MIB, frames_while_idle, opening_ms, signed_in
from tests.bench.figures import Section, p50
from tests.bench.link_client import CLI, LinkClient, open_link
from tests.bench.stage import Broker
from tests.browser.tab import Person
from tests.fixtures.long_session import write_history

_AIM_OPEN_MS, _AIM_FRAMES = 1000, 55
_LINES_A_SECOND, _AT_ONCE = 300, 10
_NOTCH = 120
"""Pixels that one notch of a wheel scrolls by."""
_NOTCHES_A_SECOND = 20
_LAST_DRAWN = """(words) => {
    const box = document.querySelector('[aria-label=Entries]');
    return box?.lastElementChild?.textContent.includes(words) && performance.now();
}"""
_EXPLAINED = (
    "Headless Chromium, drawing in software on the cores that the broker has too. Opened: from the start of the "
    "navigation to the last entry drawn, nothing cached, median of the runs. Scrolled up by a wheel, while earlier "
    "entries are read; one answer streamed in fragments of whole lines. Frames drawn a second (requestAnimationFrame), "
    "and the page's heap after a collection."
)


class Writer(LinkClient):
    """One link whose agent writes one answer, fragment by fragment."""

    def __init__(self, socket: ClientConnection) -> None:
        super().__init__(socket)
        self.written = 0

    async def turn(self, *, begin: bool) -> None:
        """Report that its turn has begun, or ended."""
        assert self._spawn is not None
        event = TurnStarted(turn_id="t") if begin else TurnEnded(turn_id="t", outcome=TurnOutcome.COMPLETED)
        report = StateChanged(agent=self._spawn.agent, generation=self._spawn.generation, event=event)
        await self._report([NumberedReport(seq=self._next(), report=report).model_dump_json().encode()])

    async def write(self, lines: int) -> None:
        """Report more lines of the answer, each a fragment."""
        reports = []
        for _ in range(lines):
            self.written += 1
            streamed = TextStreamed(delta=f"Line {self.written} of `one` long answer, with **some** words.\n")
            frame = self._fragment(streamed)
            reports.append(proxy.write_frame_report(self._next(), frame, raw=b"{}"))
        await self._report(reports)

    def _fragment(self, streamed: TextStreamed) -> FrameRecorded:
        return self._frame({"type": streamed.type, "delta": streamed.delta}, transient=True)


async def measure_conversation(broker: Broker, *, entries: int, seconds: int, runs: int) -> Section:
    """Write a history, open it, scroll it, and let an answer be written."""
    async with broker.relay() as relay:
        long = (await relay.session()).id
    await write_history(broker.redis_url, long, entries=entries, until_ms=int(time.time() * 1000))
    last = f"entry {entries - 1} of a long history"
    address = f"{broker.url}/session/{DEFAULT_SESSION}"
    async with signed_in(broker) as visitor:
        opened = [await opening_ms(visitor, address, drawn=_LAST_DRAWN, arg=last) for _ in range(runs)]
        page = await visitor.tab(address)
        await page.wait_for_function(_LAST_DRAWN, arg=last)
        before = await page.evaluate(HEAP_MIB)
        idle = await frames_while_idle(page)
        scrolled = await _frames_while_scrolling(page, seconds=seconds)
        after = await page.evaluate(HEAP_MIB)
        await page.close()
        rate, streamed, grown = await _streaming(visitor, broker, address, seconds=seconds)
    return Section(
        title="A session's conversation",
        explained=_EXPLAINED,
        head=("what", "measured", "aim", "measured / aim"),
        rows=[
            (f"{entries:,} entries opened, ms", p50(opened), _AIM_OPEN_MS, p50(opened) / _AIM_OPEN_MS),
            ("the same page while nothing happens, frames / s", idle, None, None),
            (f"scrolled to earlier entries for {seconds} s, frames / s", scrolled, _AIM_FRAMES, scrolled / _AIM_FRAMES),
            ("heap before scrolling, MiB", before, None, None),
            ("heap after scrolling, MiB", after, before, after / before),
            (f"one answer of {rate:.0f} lines / s, frames / s", streamed, _AIM_FRAMES, streamed / _AIM_FRAMES),
            (f"heap that {seconds} s of it have added, MiB", grown, None, None),
        ],
    )


async def _frames_while_scrolling(page: Page, *, seconds: int) -> float:
    loop = asyncio.get_running_loop()
    await page.get_by_role("group", name="Entries").hover()
    await page.evaluate(COUNT_FRAMES)
    began, notches = loop.time(), 0
    while loop.time() - began < seconds:
        await page.mouse.wheel(0, -_NOTCH)
        notches += 1
        await asyncio.sleep(began + notches / _NOTCHES_A_SECOND - loop.time())
    took = loop.time() - began
    return float(await page.evaluate("stopCounting()")) / took


async def _streaming(visitor: Person, broker: Broker, address: str, *, seconds: int) -> tuple[float, float, float]:
    """The lines and the frames a second, and by how many MiB the heap grew."""
    loop = asyncio.get_running_loop()
    async with open_link(broker, "writer", Writer) as link, broker.relay() as relay:
        await relay.spawn("writer", CLI, on="writer")
        page = await visitor.tab(address)
        shown = page.get_by_text("long answer").last
        await link.turn(begin=True)
        while not await shown.is_visible():  # what was streamed before the page listened is not in its history
            await link.write(_AT_ONCE)
            await asyncio.sleep(_AT_ONCE / _LINES_A_SECOND)
        before = float(await page.evaluate(HEAP_MIB))
        await page.evaluate(COUNT_FRAMES)
        began, written = loop.time(), link.written
        while loop.time() - began < seconds:
            await link.write(_AT_ONCE)
            await asyncio.sleep(began + (link.written - written) / _LINES_A_SECOND - loop.time())
        took = loop.time() - began
        frames = float(await page.evaluate("stopCounting()")) / took
        grown = float(await page.evaluate(HEAP_MIB)) - before
        await link.turn(begin=False)
        await relay.release("writer")
        await page.close()
    return (link.written - written) / took, frames, grown
