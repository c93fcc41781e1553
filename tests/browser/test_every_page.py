"""What holds on each page, empty and filled: axe finds nothing in either theme, and a phone never scrolls sideways."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.browser.accessibility import violations, violations_in_both_themes
from tests.browser.conftest import sign_in
from tests.browser.pages import EMPTY, FILLED
from tests.browser.scene import play
from tests.browser.site import Site, site
from tests.browser.tab import PHONE, person
from tests.fixtures.processes import up

_WIDEST = "Math.max(innerWidth, ...[...document.querySelectorAll('html, body, main')].map((each) => each.scrollWidth))"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def filled(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Site, dict[str, str]]]:
    """A broker where much has happened, and the session and the machine where it did."""
    async with site(tmp_path_factory.mktemp("filled")) as made, made.session("tic-tac-toe") as relay:
        await play(made, relay)
        [desk] = await relay.proxies()
        yield made, {"session": (await relay.session()).id, "machine": desk.id}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def empty(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """A broker where nothing has happened."""
    folder = tmp_path_factory.mktemp("empty")
    async with up(folder) as broker:
        yield Site(broker=broker, folder=folder)


async def test_axe_finds_nothing_in_any_filled_page(browser: Browser, filled: tuple[Site, dict[str, str]]) -> None:
    where, address = filled
    found: list[str] = []
    async with person(browser) as visitor:
        await sign_in(visitor, where)
        for path, content in FILLED.items():
            page = await visitor.tab(where.url + path.format(**address))
            await expect(content(page)).to_be_visible()
            found += [f"{path}: {each}" for each in await violations_in_both_themes(page)]
            await page.close()
    assert found == []


async def test_axe_finds_nothing_in_any_empty_page(browser: Browser, empty: Site) -> None:
    found: list[str] = []
    async with person(browser) as visitor:
        await sign_in(visitor, empty)
        visitor.expect_error("404")
        for path, content in EMPTY.items():
            page = await visitor.tab(empty.url + path)
            await expect(content(page)).to_be_visible()
            found += [f"{path}: {each}" for each in await violations_in_both_themes(page)]
            await page.close()
    assert found == []


async def test_no_empty_page_offers_what_a_role_may_not_do(browser: Browser, empty: Site) -> None:
    for role, path, words in (
        ("viewer", "/", "Your role does not start agents"),
        ("viewer", "/workflows", "Your role does not start agents"),
        ("billing", "/usage", "Your role does not start agents"),
        ("billing", "/logs", "As billing you see what is in the menu."),
        ("billing", "/session/none", "As billing you see what is in the menu."),
    ):
        async with person(browser) as visitor:
            page = await visitor.tab(await empty.sign_in_link(name=f"Vi {uuid4().hex[:8]}", role=role))
            await page.wait_for_url(f"{empty.url}/")
            await page.goto(empty.url + path)
            await expect(page.get_by_text(words)).to_be_visible()
            await expect(page.get_by_role("main").get_by_role("button", name="Copy")).to_have_count(0)
            await expect(page.get_by_role("main").get_by_role("searchbox")).to_have_count(0)
            assert await violations(page) == [], path


async def test_no_page_scrolls_sideways_on_a_phone(browser: Browser, filled: tuple[Site, dict[str, str]]) -> None:
    where, address = filled
    found: list[str] = []
    async with person(browser, viewport=PHONE, has_touch=True, is_mobile=True) as walker:
        await sign_in(walker, where)
        for path, content in FILLED.items():
            page = await walker.tab(where.url + path.format(**address))
            await expect(content(page)).to_be_visible()
            assert await page.evaluate(_WIDEST) == PHONE["width"], path
            found += [f"{path}: {each}" for each in await violations(page)]
            await page.close()
    assert found == []


async def test_axe_finds_nothing_in_what_opens_above_a_page(
    browser: Browser, filled: tuple[Site, dict[str, str]]
) -> None:
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


@pytest.mark.parametrize("path", ["no/such/page", "constructor"])
async def test_an_address_that_is_not_there_says_so_and_leads_back(browser: Browser, empty: Site, path: str) -> None:
    async with person(browser) as ada:
        ada.expect_error("404")
        await sign_in(ada, empty)
        page = await ada.tab(f"{empty.url}/{path}")
        await expect(page.get_by_role("heading", name="Page not found")).to_be_visible()
        assert await violations(page) == []
        await page.get_by_role("link", name="All sessions").click()
        await expect(page).to_have_url(f"{empty.url}/")
