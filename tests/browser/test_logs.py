"""Finding lines, and following them."""

import asyncio
import re

from playwright.async_api import Locator, Page, expect

from connect.sdk import AgentRelay
from tests.browser.site import Site
from tests.browser.tab import PATIENCE_S, Person


async def test_a_line_is_searched_and_its_permalink_shows_it_among_its_neighbours(
    ada: Person, running_site: Site, relay: AgentRelay
) -> None:
    await relay.spawn("Teller", "demo")
    for text in ("the line before", "a needle in the hay", "the line after"):
        sent = await relay.send("Teller", f"say {text}")
        await relay.wait_for(sent.message_id, timeout_s=20)
    session = await relay.session()
    await running_site.searchable(session.id, "needle", lines=2)
    page = await ada.tab(f"{running_site.url}/logs?session={session.id}")
    await page.get_by_label("Search the logs").fill("needle")
    await page.keyboard.press("Enter")
    found = page.get_by_role("region", name="Search results")
    await expect(found.get_by_text("needle", exact=True).first).to_be_visible()
    assert "q=needle" in page.url
    link = found.get_by_role("link", name="Link to this line").first
    address = await link.get_attribute("href")
    other = await ada.tab(f"{running_site.url}{address}")
    await expect(other.get_by_text("a needle in the hay").first).to_be_visible()
    await expect(other.get_by_text("the line before").first).to_be_visible()


async def test_a_found_line_is_words_and_opened_has_the_colours_of_terminals(
    ada: Person, running_site: Site, relay: AgentRelay
) -> None:
    await relay.spawn("Teller", "demo")
    sent = await relay.send("Teller", "say suite \x1b[31mFAILED\x1b[0m again")
    await relay.wait_for(sent.message_id, timeout_s=20)
    session = await relay.session()
    await running_site.searchable(session.id, "suite", lines=2)
    page = await ada.tab(f"{running_site.url}/logs?session={session.id}&q=suite")
    found = page.get_by_role("region", name="Search results")
    line = found.get_by_role("button", name=re.compile("Teller text suite FAILED again$"))
    await line.click()
    await expect(found.locator(".ansi-red").first).to_have_text("FAILED")
    await expect(found).not_to_contain_text("[31m")


async def test_a_log_is_followed_until_its_reader_looks_back(
    ada: Person, running_site: Site, relay: AgentRelay
) -> None:
    await relay.spawn("Teller", "demo")
    await say(relay, "early", lines=2)
    page, log = await followed(ada, running_site, relay)
    await expect(log.get_by_text("early 1").last).to_be_visible()
    await say(relay, "live", lines=40)
    await expect(log.get_by_text("live 39").last).to_be_in_viewport()
    await expect(page.get_by_text("Following", exact=True)).to_be_visible()
    await expect(log.get_by_text("receipt", exact=True)).to_have_count(0)

    await log.hover()
    await page.mouse.wheel(0, -600)
    await expect(page.get_by_text("Not following")).to_be_visible()
    await expect(log.get_by_text("live 35").last).to_be_in_viewport()
    await say(relay, "unseen", lines=1)
    newer = page.get_by_role("button", name=re.compile(r"^\d+ new"))
    await expect(newer).to_be_visible()
    await expect(log.get_by_text("unseen 0")).to_have_count(0)
    await newer.click()
    await expect(log.get_by_text("unseen 0").last).to_be_visible()
    await expect(page.get_by_text("Following", exact=True)).to_be_visible()

    await page.get_by_label("Receipts and raw frames").check()
    await expect(log.get_by_text("receipt", exact=True).last).to_be_visible()
    assert "all=true" in page.url


async def test_only_lines_that_match_are_followed_and_older_ones_are_searched(
    ada: Person, running_site: Site, relay: AgentRelay
) -> None:
    await relay.spawn("Teller", "demo")
    await say(relay, "early", lines=2)
    page, log = await followed(ada, running_site, relay)
    await expect(log.get_by_text("early 1").last).to_be_visible()
    only = page.get_by_role("searchbox", name="Filter lines")
    await only.fill("agent:teller late")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("None of the latest lines match")).to_be_visible()
    await expect(only).to_be_focused()
    await say(relay, "late", lines=2)
    await expect(log.get_by_text("late 1").last).to_be_visible()
    await expect(log.get_by_text("operator")).to_have_count(0)
    await expect(log.get_by_text("early")).to_have_count(0)
    await page.get_by_role("button", name="Search all lines").click()
    await expect(page.get_by_label("Search the logs")).to_have_value("agent:teller late")
    await page.go_back()
    await expect(only).to_have_value("agent:teller late")
    await only.fill("")
    await expect(log.get_by_text("early 1").last).to_be_visible()


async def test_older_lines_come_as_their_place_is_reached(ada: Person, running_site: Site, relay: AgentRelay) -> None:
    await relay.spawn("Teller", "demo")
    await say(relay, "number", lines=60)
    page, log = await followed(ada, running_site, relay, options="&all=true")
    await expect(log.get_by_text("number 59").last).to_be_visible()
    await log.focus()
    first = log.get_by_text("→ Teller: say number 0", exact=False)
    async with asyncio.timeout(PATIENCE_S):
        # Lines before it that come later may move it out of sight again.
        while not await first.first.is_visible():
            await page.keyboard.press("PageUp")
            await asyncio.sleep(0.02)


async def test_a_view_is_saved_under_a_name_and_opened_again(
    ada: Person, running_site: Site, relay: AgentRelay
) -> None:
    session = await relay.session()
    page = await ada.tab(f"{running_site.url}/logs?session={session.id}&q=kind:agent")
    await page.get_by_role("button", name="Saved searches").click()
    await page.get_by_role("textbox", name="Name").fill("Agents of today")
    await page.keyboard.press("Enter")
    other = await ada.tab(f"{running_site.url}/logs")
    await other.get_by_role("button", name="Saved searches").click()
    await other.get_by_role("button", name=re.compile("^Agents of today")).click()
    await other.wait_for_url(re.compile("q=kind"))
    await expect(other.get_by_label("Search the logs")).to_have_value("kind:agent")


async def followed(person: Person, site: Site, relay: AgentRelay, *, options: str = "") -> tuple[Page, Locator]:
    """The page that follows the session's log, and the log on it."""
    session = await relay.session()
    page = await person.tab(f"{site.url}/logs?session={session.id}&view=live{options}")
    return page, page.get_by_role("log")


async def say(relay: AgentRelay, what: str, *, lines: int) -> None:
    """Have the agent say some numbered lines."""
    for number in range(lines):
        sent = await relay.send("Teller", f"say {what} {number}")
        await relay.wait_for(sent.message_id, timeout_s=30)
