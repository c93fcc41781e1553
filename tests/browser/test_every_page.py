"""What holds on each page, empty and filled: axe finds nothing in either theme, and a phone never scrolls sideways."""

from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, expect

from tests.browser.accessibility import violations
from tests.browser.conftest import sign_in
from tests.browser.scene import play
from tests.browser.site import Site, site
from tests.browser.tab import PHONE, person
from tests.fixtures.processes import up

FILLED: dict[str, Callable[[Page], Locator]] = {
    "/": lambda page: page.get_by_role("heading", name="Machines"),
    "/session/{session}": lambda page: page.get_by_text("Good game").first,
    "/inbox": lambda page: page.get_by_role("button", name="Allow once").first,
    "/logs": lambda page: page.get_by_text("Good game").first,
    "/usage": lambda page: page.get_by_role("table").first,
    "/settings": lambda page: page.get_by_role("button", name="Sign out here"),
}
"""Each page, and what is seen when it has been read."""
EMPTY: dict[str, Callable[[Page], Locator]] = {
    "/": lambda page: page.get_by_text("No sessions yet"),
    "/session/none": lambda page: page.get_by_text("This session is not here"),
    "/inbox": lambda page: page.get_by_text("Nobody waits for you"),
    "/logs": lambda page: page.get_by_role("heading", name="Logs"),
    "/usage": lambda page: page.get_by_role("heading", name="Usage"),
    "/sign-in": lambda page: page.get_by_role("heading", name="Sign in to Relaycast"),
}
_WIDEST = "Math.max(innerWidth, ...[...document.querySelectorAll('html, body, main')].map((each) => each.scrollWidth))"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def filled(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Site, str]]:
    """A broker where much has happened, and the session it happened in."""
    async with site(tmp_path_factory.mktemp("filled")) as made, made.session("tic-tac-toe") as relay:
        await play(relay)
        yield made, (await relay.session()).id


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def empty(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """A broker where nothing has happened."""
    folder = tmp_path_factory.mktemp("empty")
    async with up(folder) as broker:
        yield Site(broker=broker, folder=folder)


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_axe_finds_nothing_in_any_filled_page(browser: Browser, filled: tuple[Site, str], theme: str) -> None:
    where, session = filled
    async with person(browser, color_scheme=theme) as visitor:
        await sign_in(visitor, where)
        for path, content in FILLED.items():
            page = await visitor.tab(where.url + path.format(session=session))
            await expect(content(page)).to_be_visible()
            assert await violations(page) == [], path
            await page.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_axe_finds_nothing_in_any_empty_page(browser: Browser, empty: Site, theme: str) -> None:
    async with person(browser, color_scheme=theme) as visitor:
        await sign_in(visitor, empty)
        visitor.expect_error("404")
        for path, content in EMPTY.items():
            page = await visitor.tab(empty.url + path)
            await expect(content(page)).to_be_visible()
            assert await violations(page) == [], path
            await page.close()


async def test_no_page_scrolls_sideways_on_a_phone(browser: Browser, filled: tuple[Site, str]) -> None:
    where, session = filled
    async with person(browser, viewport=PHONE, has_touch=True, is_mobile=True) as walker:
        await sign_in(walker, where)
        for path, content in FILLED.items():
            page = await walker.tab(where.url + path.format(session=session))
            await expect(content(page)).to_be_visible()
            assert await page.evaluate(_WIDEST) == PHONE["width"], path
            assert await violations(page) == [], path
            await page.close()


async def test_axe_finds_nothing_in_what_opens_above_a_page(browser: Browser, filled: tuple[Site, str]) -> None:
    where, _ = filled
    async with person(browser) as visitor:
        await sign_in(visitor, where)
        page = await visitor.tab(f"{where.url}/inbox")
        await expect(FILLED["/inbox"](page)).to_be_visible()
        for keys in ("n", "?", "d", "Control+k"):
            await page.keyboard.press(keys)
            await expect(page.get_by_role("dialog")).to_be_visible()
            assert await violations(page) == [], keys
            await page.keyboard.press("Escape")
            await expect(page.get_by_role("dialog")).to_have_count(0)
