"""The dashboard below a path of somebody else's host, behind a proxy that cuts the path off and one that does not."""

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import sign_in
from tests.browser.site import Site, site
from tests.browser.tab import person
from tests.fixtures.path_proxy import PathProxy, path_proxy
from tests.fixtures.ports import reserved_port


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=[True, False], ids=["cut-off", "whole"])
async def behind(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Site, PathProxy]]:
    folder = tmp_path_factory.mktemp("behind")
    with reserved_port() as port:
        async with (
            path_proxy("/tools/relay", strips=request.param, upstream=port) as proxy,
            site(folder, "--port", str(port), "--public-url", f"{proxy.url}/") as made,
        ):
            assert made.url == proxy.url
            yield made, proxy


async def test_every_page_works_below_the_path(browser: Browser, behind: tuple[Site, PathProxy]) -> None:
    here, proxy = behind
    async with here.session("payments") as relay, person(browser) as ada:
        session = (await relay.session()).id
        await sign_in(ada, here)
        page = await ada.tab(here.url + "/")
        await expect(page.get_by_role("heading", name="Machines")).to_be_visible()
        await page.get_by_role("link", name="payments").first.click()
        await expect(page).to_have_url(f"{here.url}/session/{session}")
        await relay.spawn("Worker", "demo", "say seen below the path")
        await expect(page.get_by_text("seen below the path").first).to_be_visible()  # so its socket is open
        assert await page.evaluate("document.querySelector('img[src$=\"icon.svg\"]').naturalWidth") > 0
        await page.reload()
        await expect(page.get_by_text("seen below the path").first).to_be_visible()
        await page.goto(f"{here.url}/logs?view=changes&session={session}")
        await expect(page.get_by_text(f"relay-connect --url {here.url}")).to_be_visible()
        await _walk(page, here)
        assert [cookie.get("path") for cookie in await ada.context.cookies()] == ["/tools/relay"]
        await page.get_by_role("button", name="Sign out here").click()
        await expect(page).to_have_url(f"{here.url}/sign-in")
        ada.expect_error("401")
    assert _strange(proxy) == []


async def test_links_that_people_pass_on_open_below_the_path(browser: Browser, behind: tuple[Site, PathProxy]) -> None:
    here, proxy = behind
    async with here.session("invoices") as relay, person(browser) as guest, person(browser) as ada:
        session = (await relay.session()).id
        await relay.spawn("Worker", "demo", "say seen by a guest")
        guest.expect_error("401")
        shared = await guest.tab(await here.share_link(session))
        await expect(shared.get_by_text("seen by a guest").first).to_be_visible()
        await expect(shared).to_have_url(f"{here.url}/session/{session}")
        await shared.goto(f"{here.url}/settings")
        await shared.get_by_role("button", name="Leave the shared session").click()
        await expect(shared).to_have_url(f"{here.url}/sign-in")

        await sign_in(ada, here)
        await here.searchable(session, "guest", lines=1)
        found = await ada.tab(f"{here.url}/logs?q=guest")
        link = found.get_by_role("link", name="Link to this line").first
        assert str(await link.get_attribute("href")).startswith("/tools/relay/logs?")
        await link.click()
        await expect(found.get_by_text("seen by a guest").first).to_be_visible()
        lost = await ada.tab(f"{here.url}/session/none")
        await expect(lost.get_by_text("Session not found")).to_be_visible()
        ada.expect_error("404")
    assert _strange(proxy) == []


async def test_whoever_asks_the_broker_itself_is_shown_the_page_below_the_same_path(
    browser: Browser, behind: tuple[Site, PathProxy]
) -> None:
    here, proxy = behind
    direct = f"http://127.0.0.1:{proxy.upstream}"
    async with person(browser) as stranger:
        stranger.expect_error("401|WebSocket")
        page = await stranger.tab(f"{direct}/inbox")
        await expect(page.get_by_role("heading", name="Sign in to Relaycast")).to_be_visible()
        await expect(page).to_have_url(f"{direct}/tools/relay/sign-in")
    del here


async def _walk(page: Page, here: Site) -> None:
    """By the links of the page, then as addresses."""
    navigation = page.get_by_role("navigation", name="Main")
    for name, path in (
        *(("Needs you", "inbox"), ("Logs", "logs"), ("Workflows", "workflows")),
        *(("Usage", "usage"), ("Audit", "audit"), ("Settings", "settings")),
    ):
        await navigation.get_by_role("link", name=name).click()
        await expect(page).to_have_url(re.compile(f"^{re.escape(here.url)}/{path}"))
        await page.reload()
        await expect(page.get_by_role("heading").first).to_be_visible()


def _strange(proxy: PathProxy) -> list[str]:
    """What was asked for outside of the path, but for what browsers look for by themselves."""
    return [target for target in proxy.strayed if target != "/favicon.ico"]
