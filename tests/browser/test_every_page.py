"""What holds on each page, empty and filled: axe finds nothing in either theme, and a phone never scrolls sideways."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, expect

from tests.browser.accessibility import violations
from tests.browser.conftest import sign_in
from tests.browser.scene import play
from tests.browser.site import Site, site
from tests.browser.tab import DESK, PHONE, person
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
    "/nowhere": lambda page: page.get_by_role("heading").first,
}
themes = pytest.mark.parametrize("theme", ["light", "dark"])


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


@themes
@pytest.mark.parametrize("path", FILLED)
async def test_axe_finds_nothing_in_a_filled_page(
    browser: Browser, filled: tuple[Site, str], path: str, theme: str
) -> None:
    where, session = filled
    async with visitor(browser, where, theme=theme) as open_page:
        page = await open_page(path.format(session=session))
        await expect(FILLED[path](page)).to_be_visible()
        assert await violations(page) == []


@themes
@pytest.mark.parametrize("path", EMPTY)
async def test_axe_finds_nothing_in_an_empty_page(browser: Browser, empty: Site, path: str, theme: str) -> None:
    async with visitor(browser, empty, theme=theme) as open_page:
        page = await open_page(path)
        await expect(EMPTY[path](page)).to_be_visible()
        assert await violations(page) == []
