"""Pictures of each page, from a scene of ten agents on three machines: `python -m tests.browser.screenshots`."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Literal

from playwright.async_api import Browser, Page, ViewportSize, expect

from tests.browser.chromium import chromium
from tests.browser.conftest import sign_in
from tests.browser.pages import FILLED
from tests.browser.scene import crew
from tests.browser.site import Site, site
from tests.browser.tab import PHONE, person

FOLDER = Path(__file__).parents[2] / "web" / "screenshots"
_DESK = ViewportSize(width=1440, height=900)
_NAMES = {"/": "home", "/session/{session}": "activity", "/machine/{machine}": "machine"}
_LOOKS: tuple[tuple[Literal["light", "dark"], ViewportSize, str], ...] = (
    ("light", _DESK, "light"),
    ("dark", _DESK, "dark"),
    ("light", PHONE, "phone-light"),
    ("dark", PHONE, "phone-dark"),
)
_RUN = """\
version: "1.0"
name: release
swarm: { pattern: fan-out, maxConcurrency: 3 }
agents:
  - { name: api, cli: demo, preset: worker, role: engineer }
  - { name: page, cli: demo, preset: worker, role: engineer }
  - { name: reviewer, cli: demo, preset: reviewer, role: reviewer }
workflows:
  - name: release
    steps:
      - { name: plan, agent: api, task: say the plan is made }
      - { name: build-api, agent: api, task: say the API is built, dependsOn: [plan] }
      - { name: build-page, agent: page, task: say the page is built, dependsOn: [plan] }
      - { name: review, agent: reviewer, task: say both are fine, dependsOn: [build-api, build-page] }
      - { name: approve, type: approval, message: Ship the release?, dependsOn: [review] }
      - { name: ship, agent: api, task: say it is shipped, dependsOn: [approve] }
"""


async def main(folder: Path = FOLDER) -> None:
    """Play the scene and take every picture."""
    folder.mkdir(exist_ok=True)
    # A short path: the store's socket lies below it.
    with tempfile.TemporaryDirectory(prefix="rc-shots-") as below:
        async with (
            site(Path(below)) as where,
            where.session("tic-tac-toe") as relay,
            crew(where, relay),
            chromium() as browser,
        ):
            keys = {proxy.name: proxy.id for proxy in await relay.proxies()}
            address = {"session": (await relay.session()).id, "machine": keys["desk"]}
            for theme, size, suffix in _LOOKS:
                await _take_all(browser, where, folder, address=address, theme=theme, size=size, suffix=suffix)
            # Behind the others, which have nothing of it in them.
            run = str((await where.ask("POST", "/v1/workflows/runs", {"text": _RUN, "on": "desk"}))["id"])
            for theme, size, suffix in _LOOKS:
                await _take_run(browser, where, folder, run=run, theme=theme, size=size, suffix=suffix)


async def _take_all(
    browser: Browser,
    where: Site,
    folder: Path,
    *,
    address: dict[str, str],
    theme: Literal["light", "dark"],
    size: ViewportSize,
    suffix: str,
) -> None:
    async with person(browser, color_scheme=theme, viewport=size, has_touch=size is PHONE) as visitor:
        await sign_in(visitor, where)
        for path, content in FILLED.items():
            page = await visitor.tab(where.url + path.format(**address))
            await expect(content(page)).to_be_visible()
            await _take(page, folder / f"{_NAMES.get(path, path.strip('/'))}-{suffix}.png")


async def _take_run(
    browser: Browser,
    where: Site,
    folder: Path,
    *,
    run: str,
    theme: Literal["light", "dark"],
    size: ViewportSize,
    suffix: str,
) -> None:
    """The run while it waits, and its file while it is drawn."""
    async with person(browser, color_scheme=theme, viewport=size, has_touch=size is PHONE) as visitor:
        await sign_in(visitor, where)
        page = await visitor.tab(f"{where.url}/workflows/{run}?step=approve")
        await expect(page.get_by_text("Ship the release?")).to_be_visible(timeout=60_000)
        await expect(page.get_by_role("group", name="approve, Running", exact=True)).to_be_visible()
        await _take(page, folder / f"workflow-{suffix}.png")
        page = await visitor.tab(f"{where.url}/workflows/files?from={run}")
        await page.get_by_role("group", name="review, reviewer", exact=True).click()
        await expect(page.get_by_role("heading", name="Step review")).to_be_visible()
        await expect(page.get_by_role("heading", name="Plan of release")).to_be_visible()
        await page.get_by_role("heading", name="Drawing").evaluate("heading => heading.scrollIntoView()")
        await _take(page, folder / f"workflow-file-{suffix}.png")


async def _take(page: Page, file: Path) -> None:
    await page.wait_for_load_state("networkidle")  # with all that comes after
    await expect(page.get_by_text("Counting…")).to_have_count(0)
    await page.screenshot(path=file)
    print(f"{file.name}  {file.stat().st_size / 1000:.0f} kB")
    await page.close()


if __name__ == "__main__":
    asyncio.run(main(*map(Path, sys.argv[1:])))
