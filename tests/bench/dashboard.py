"""The dashboard in a real browser: opening a long session, following a fast one, and what a first visit loads."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import re
from collections.abc import AsyncIterator
from pathlib import Path
from secrets import token_hex

import httpx
from playwright.async_api import Page

from broker.domain.agents.sessions import DEFAULT_SESSION
from tests.bench.figures import Section, p50
from tests.bench.link_client import LinkClient, linked_agent
from tests.bench.stage import Broker
from tests.browser.chromium import chromium
from tests.browser.tab import Person, person

_PAGE = Path(__file__).parents[2] / "broker" / "dashboard"
_LIVE = f"/logs?session={DEFAULT_SESSION}&view=live"
_BATCH = 50
_AIM_OPEN_MS, _AIM_FRAMES, _AIM_KILOBYTES = 1000, 55, 200
_ROWS_DRAWN = "() => document.querySelector('[role=log] time') && performance.now()"
_IDLE_S = 3
COUNT_FRAMES = """() => {
    let frames = 0, counting = true;
    const next = () => { frames++; if (counting) requestAnimationFrame(next) };
    window.stopCounting = () => { counting = false; return frames };
    next();
}"""
HEAP_MIB = "() => { gc(); return performance.memory.usedJSHeapSize / 2 ** 20 }"
_EXPLAINED = (
    "Headless Chromium, drawing in software on the cores that the broker has too. Opened: from the start of the "
    "navigation to the first rows of the live log drawn, nothing cached, median of the runs. Followed: frames drawn a "
    "second (requestAnimationFrame) and the page's heap after a collection, while lines arrive. First "
    "visit: the scripts and styles that a page's HTML names, gzipped."
)


async def measure_dashboard(broker: Broker, *, lines: int, seconds: int, runs: int) -> Section:
    """Fill a session, open it, and follow it."""
    async with linked_agent(broker, "narrator") as link, signed_in(broker) as visitor:
        await _say(link, lines)
        opened = [await opening_ms(visitor, broker.url + _LIVE, drawn=_ROWS_DRAWN) for _ in range(runs)]
        page = await visitor.tab(broker.url + _LIVE)
        await page.wait_for_function(_ROWS_DRAWN)
        before = await page.evaluate(HEAP_MIB)
        idle = await frames_while_idle(page)
        rate, frames = await _frames_while_live(page, link, seconds=seconds)
        after = await page.evaluate(HEAP_MIB)
    followed = f"followed at {rate:.0f} lines / s for {seconds} s, frames / s"
    return Section(
        title="The dashboard",
        explained=_EXPLAINED,
        head=("what", "measured", "aim", "measured / aim"),
        rows=[
            (f"{lines:,} lines opened, ms", p50(opened), _AIM_OPEN_MS, p50(opened) / _AIM_OPEN_MS),
            ("the same page while nothing arrives, frames / s", idle, None, None),
            (followed, frames, _AIM_FRAMES, frames / _AIM_FRAMES),
            ("heap before, MiB", before, None, None),
            ("heap after, MiB", after, before, after / before),
            ("largest first visit, kB", _first_visit_kb(), _AIM_KILOBYTES, _first_visit_kb() / _AIM_KILOBYTES),
        ],
    )


@contextlib.asynccontextmanager
async def signed_in(broker: Broker) -> AsyncIterator[Person]:
    """A viewer in a browser whose heap can be measured."""
    headers = {"Authorization": f"Bearer {broker.key}"}
    async with httpx.AsyncClient(base_url=broker.url, headers=headers, trust_env=False) as http:
        made = (
            await http.post("/v1/members", json={"name": f"Bench {token_hex(3)}", "role": "viewer"})
        ).raise_for_status()
    async with (
        chromium("--enable-precise-memory-info", "--js-flags=--expose-gc") as browser,
        person(browser) as visitor,
    ):
        page = await visitor.tab(made.json()["data"]["url"])
        await page.wait_for_url(f"{broker.url}/")
        await page.close()
        yield visitor


async def _say(link: LinkClient, lines: int) -> None:
    for first in range(0, lines, _BATCH):
        await link.say([f"line {number} of a long session" for number in range(first, first + _BATCH)])
    await link.drained()


async def opening_ms(visitor: Person, address: str, *, drawn: str, arg: str | None = None) -> float:
    """Until `drawn` says when, of `arg`, in a browser that knows who it is and nothing else."""
    browser, known = visitor.context.browser, await visitor.context.storage_state()
    assert browser is not None
    async with person(browser, storage_state=known) as fresh:
        page = await fresh.tab(address)
        at = await page.wait_for_function(drawn, arg=arg)
        return float(await at.json_value())


async def frames_while_idle(page: Page) -> float:
    """What the machine can draw in the best case."""
    await page.evaluate(COUNT_FRAMES)
    await asyncio.sleep(_IDLE_S)
    return float(await page.evaluate("stopCounting()")) / _IDLE_S


async def _frames_while_live(page: Page, link: LinkClient, *, seconds: int) -> tuple[float, float]:
    """The lines and the frames a second."""
    loop = asyncio.get_running_loop()
    await page.evaluate(COUNT_FRAMES)
    began, said = loop.time(), 0
    while loop.time() - began < seconds:
        await _say(link, _BATCH)
        said += _BATCH
        await asyncio.sleep(began + said / 500 - loop.time())
    took = loop.time() - began
    return said / took, float(await page.evaluate("stopCounting()")) / took


def _first_visit_kb() -> float:
    """Of the page that loads most."""
    return max(_named_kb(page.read_text()) for page in _PAGE.glob("*.html"))


def _named_kb(html: str) -> float:
    named = re.findall(r'(?:src|href)="/([^"]+\.(?:js|css))"', html)
    return sum(len(gzip.compress((_PAGE / name).read_bytes())) for name in named) / 1000
