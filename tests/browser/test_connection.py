"""The broker goes away and comes back while a page is open."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from playwright.async_api import Browser, Page, expect

from connect.sdk import AgentRelay
from tests.browser.site import Site
from tests.browser.tab import Person, person
from tests.fixtures.processes import Running, key_of, machine, up

_LINES = 5


async def test_a_page_survives_a_killed_broker_without_losing_or_doubling_a_line(
    browser: Browser, tmp_path: Path
) -> None:
    async with up(tmp_path) as broker, person(browser) as ada, opened(broker, tmp_path, ada) as (page, relay):
        await tell(relay, "before")
        await expect_lines(page, "before")
        await page.evaluate("window.thisPage = true")

        await broker.kill()
        await expect(page.get_by_text("Reconnecting")).to_be_visible()
        # Without a network until there is something to be replayed.
        await ada.context.set_offline(True)
        await expect(page.get_by_text("You are offline")).to_be_visible()
        async with up(tmp_path, "--port", broker.url.rpartition(":")[2]):
            await tell(relay, "while away")
            await ada.context.set_offline(False)
            await expect(page.get_by_text("Reconnected. Caught up on")).to_be_visible()
            await tell(relay, "after")
            for when in ("before", "while away", "after"):
                await expect_lines(page, when)
            await expect(page.get_by_text("Reconnecting")).to_have_count(0)
            assert await page.evaluate("window.thisPage"), "the page was loaded anew"


async def test_a_page_that_was_not_opened_yet_opens_once_the_broker_is_back(browser: Browser, tmp_path: Path) -> None:
    async with up(tmp_path) as broker, person(browser) as ada, opened(broker, tmp_path, ada) as (page, _):
        box = page.get_by_role("textbox", name="Message to Teller")
        await box.fill("say hello")
        await expect(page.get_by_role("region", name="Conversation").get_by_text("is ready")).to_be_visible()
        await page.evaluate("window.thisPage = true")

        await broker.kill()
        await expect(page.get_by_text("Reconnecting")).to_be_visible()
        await box.press("Enter")
        await expect(box).to_have_value("say hello")
        await page.get_by_role("link", name="Rules").first.click()
        asked_again = await page.wait_for_event("requestfailed", lambda each: each.url == f"{broker.url}/")
        assert asked_again.resource_type == "fetch"
        await expect(box).to_have_value("say hello")
        await expect(page.get_by_text("Reconnecting")).to_be_visible()
        async with up(tmp_path, "--port", broker.url.rpartition(":")[2]):
            await expect(page.get_by_role("heading", name="Rules", exact=True)).to_be_visible()
            await expect(page.get_by_role("alert").get_by_text("Not sent")).to_be_visible()
            await expect(page.get_by_text("Reconnecting")).to_have_count(0)
            assert await page.evaluate("window.thisPage"), "the page was loaded anew"


@contextlib.asynccontextmanager
async def opened(broker: Running, folder: Path, ada: Person) -> AsyncIterator[tuple[Page, AgentRelay]]:
    """The page of a session with an agent, before its broker goes away."""
    ada.expect_error("WebSocket connection|net::ERR_")  # the browser itself says so when a broker is not there
    site = Site(broker=broker, folder=folder)
    async with machine(folder, broker.url, site.key_file), AgentRelay(broker.url, key_of(broker)) as relay:
        await relay.spawn("Teller", "demo")
        page = await ada.tab(str(broker.ready["dashboard"]))
        await page.get_by_role("link", name="main").first.click()
        yield page, relay


async def tell(relay: AgentRelay, when: str) -> None:
    """Have the agent say some lines."""
    for number in range(_LINES):
        sent = await relay.send("Teller", f"say {when} {number}")
        await relay.wait_for(sent.message_id, timeout_s=30)


async def expect_lines(page: Page, when: str) -> None:
    """Each line that was said stands there once."""
    conversation = page.get_by_role("region", name="Conversation")
    for number in range(_LINES):
        await expect(conversation.get_by_text(f"{when} {number}", exact=True)).to_have_count(1)
