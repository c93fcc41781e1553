"""Pictures of each page, from the scene that the tests look at: `python -m tests.browser.screenshots`."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Literal

from playwright.async_api import Browser, ViewportSize, expect

from tests.browser.chromium import chromium
from tests.browser.conftest import sign_in
from tests.browser.pages import FILLED
from tests.browser.scene import play
from tests.browser.site import Site, site
from tests.browser.tab import PHONE, person

FOLDER = Path(__file__).parents[2] / "web" / "screenshots"
_DESK = ViewportSize(width=1200, height=750)
_NAMES = {"/": "home", "/session/{session}": "activity"}


async def main() -> None:
    """Play the scene and take every picture."""
    FOLDER.mkdir(exist_ok=True)
    # A short path: the store's socket lies below it.
    with tempfile.TemporaryDirectory(prefix="rc-shots-") as folder:
        async with site(Path(folder)) as where, where.session("tic-tac-toe") as relay, chromium() as browser:
            await play(relay)
            session = (await relay.session()).id
            await _take_all(browser, where, session=session, theme="light", size=_DESK, suffix="light")
            await _take_all(browser, where, session=session, theme="dark", size=_DESK, suffix="dark")
            await _take_all(browser, where, session=session, theme="dark", size=PHONE, suffix="phone")


async def _take_all(
    browser: Browser, where: Site, *, session: str, theme: Literal["light", "dark"], size: ViewportSize, suffix: str
) -> None:
    async with person(browser, color_scheme=theme, viewport=size) as visitor:
        await sign_in(visitor, where)
        for path, content in FILLED.items():
            page = await visitor.tab(where.url + path.format(session=session))
            await expect(content(page)).to_be_visible()
            await page.wait_for_load_state("networkidle")  # with all that comes after
            file = FOLDER / f"{_NAMES.get(path, path.strip('/'))}-{suffix}.png"
            await page.screenshot(path=file)
            print(f"{file.relative_to(FOLDER.parents[1])}  {file.stat().st_size / 1000:.0f} kB")
            await page.close()


if __name__ == "__main__":
    asyncio.run(main())
