"""The first visit of each page in a real browser on a slow machine: when its content stands, and what moves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from playwright.async_api import Locator, Page

from tests.bench.figures import Figure, Section, p50
from tests.browser.chromium import chromium
from tests.browser.conftest import sign_in
from tests.browser.pages import FILLED
from tests.browser.scene import play
from tests.browser.site import site
from tests.browser.tab import Person, person

_SLOWER = 4
"""How much less of a processor the page has, as the developer tools of Chromium do it."""
_AIM_PAINT_MS, _AIM_SHIFT = 1500, 0.05
_DRAWS_MS = 2500
"""Nothing is asked of the page for so long: whoever looks for what is on it takes its processor."""
_SETTLES_MS = 500
_OBSERVE = """() => {
    window.largestPaint = 0; window.shifts = 0;
    new PerformanceObserver((list) => { for (const each of list.getEntries()) window.largestPaint = each.startTime })
        .observe({ type: 'largest-contentful-paint', buffered: true });
    new PerformanceObserver((list) => {
        for (const each of list.getEntries()) if (!each.hadRecentInput) window.shifts += each.value;
    }).observe({ type: 'layout-shift', buffered: true });
}"""
_EXPLAINED = (
    f"Headless Chromium whose page has a {_SLOWER}th of the processor (`Emulation.setCPUThrottlingRate`), drawing in "
    "software on the cores that the broker has too; nothing cached, signed in and been here before, real content: "
    "agents that played a game, others that ask. Largest contentful paint and cumulative layout shift "
    "(web.dev/vitals), median of the runs."
)


async def measure_visits(folder: Path, *, runs: int) -> Section:
    """Visit every page of a broker of its own where much has happened."""
    folder.mkdir()
    async with site(folder) as where, where.session("tic-tac-toe") as relay:
        await play(where, relay)
        [desk] = await relay.proxies()
        address = {"session": (await relay.session()).id, "machine": desk.id}
        async with chromium() as browser, person(browser) as visitor:
            await sign_in(visitor, where)
            home = await visitor.tab(where.url)
            await FILLED["/"](home).wait_for()
            await home.close()
            known = await visitor.context.storage_state()
            rows: list[tuple[Figure, ...]] = []
            for path, content in FILLED.items():
                seen = []
                for _ in range(runs):
                    async with person(browser, storage_state=known) as fresh:
                        seen.append(await _visit(fresh, where.url + path.format(**address), content))
                paint, shift = p50([each[0] for each in seen]), p50([each[1] for each in seen])
                rows.append((path, paint, paint / _AIM_PAINT_MS, round(shift, 4)))
    head = ("page", "largest paint p50 ms", f"/ aim of {_AIM_PAINT_MS:,} ms", f"layout shift (aim {_AIM_SHIFT})")
    return Section(title="First visits on a slow machine", explained=_EXPLAINED, head=head, rows=rows)


async def _visit(fresh: Person, url: str, content: Callable[[Page], Locator]) -> tuple[float, float]:
    """The largest paint, in ms, and the shift of the layout, once the content stands."""
    page = await fresh.tab()
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("Emulation.setCPUThrottlingRate", {"rate": _SLOWER})
    await page.goto(url)
    await page.wait_for_timeout(_DRAWS_MS)
    await content(page).wait_for()
    await page.wait_for_timeout(_SETTLES_MS)
    await page.evaluate(_OBSERVE)
    await page.wait_for_timeout(_SETTLES_MS)
    paint, shifts = await page.evaluate("[largestPaint, shifts]")
    return float(paint), float(shifts)
