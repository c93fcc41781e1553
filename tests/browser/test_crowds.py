"""Much at once: many requests, a diff of ten thousand lines, several people, a broker and a machine that are gone."""

from __future__ import annotations

import asyncio
import contextlib
import re
import signal
from collections.abc import Iterator

from playwright.async_api import Browser, Page, expect

from connect.sdk import AgentRelay
from connect.sdk.types import Approval
from tests.browser.accessibility import violations_in_both_themes
from tests.browser.conftest import sign_in
from tests.browser.site import Site, asked
from tests.browser.tab import PHONE, Person, person
from tests.browser.test_inbox import answer, asks, question, settled
from tests.fixtures.processes import Running, machine

_MANY = 50
_LINES = 10_000


async def ask_many(relay: AgentRelay, count: int) -> list[Approval]:
    """One agent that asks for as many things at once."""
    await relay.spawn("Crowd", "demo")
    await relay.send("Crowd", "ask permissions: " + " | ".join(f"make part-{number}" for number in range(1, count + 1)))
    return await asked(relay, count)


@contextlib.contextmanager
def frozen(broker: Running) -> Iterator[None]:
    """A broker that answers nothing, as one that waits for a disk."""
    broker.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        broker.process.send_signal(signal.SIGCONT)


async def test_fifty_requests_stand_as_they_were_asked_and_are_allowed_together(
    ada: Person, running_site: Site, relay: AgentRelay
) -> None:
    await ask_many(relay, _MANY)
    page = await ada.tab(f"{running_site.url}/inbox")
    cards = page.get_by_role("article")
    await expect(cards).to_have_count(_MANY)
    names = [re.search(r"part-\d+", text) for text in await cards.get_by_role("heading").all_text_contents()]
    assert [name and name[0] for name in names] == [f"part-{number}" for number in range(1, _MANY + 1)]
    await expect(page).to_have_title(f"({_MANY}) Needs you · Relaycast")
    assert await violations_in_both_themes(page) == []
    for _ in range(_MANY):
        await page.keyboard.press("j")
    await expect(page.locator("article[aria-current]")).to_contain_text(f"part-{_MANY}")
    await expect(page.locator("article[aria-current]")).to_be_in_viewport()
    await page.get_by_role("button", name=f"Allow {_MANY} once…").click()
    dialog = page.get_by_role("dialog", name=f"Allow these {_MANY} requests?")
    await expect(dialog.get_by_role("listitem")).to_have_count(_MANY)
    await dialog.get_by_role("button", name=f"Allow {_MANY} once").click()
    await page.mouse.move(1, 1)
    await expect(page.get_by_text("Nothing needs you")).to_be_visible()


async def test_two_people_answer_at_once_by_mouse_and_by_key_and_one_answer_counts(
    ada: Person, browser: Browser, running_site: Site, relay: AgentRelay
) -> None:
    await ask_many(relay, 3)
    async with person(browser) as grace:
        await sign_in(grace, running_site, name="Grace")
        by_mouse = await ada.tab(f"{running_site.url}/inbox")
        by_key = await grace.tab(f"{running_site.url}/inbox")
        target = question(by_mouse, "part-1").get_by_role("button", name="Allow once")
        await expect(target).to_be_enabled()
        await expect(by_key.locator("article[aria-current]")).to_contain_text("part-1")
        await expect(question(by_key, "part-1").get_by_role("button", name="Allow once")).to_be_enabled()
        box = await target.bounding_box()
        assert box is not None
        place = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        await by_mouse.mouse.move(*place)
        await asyncio.gather(by_mouse.mouse.click(*place), by_key.keyboard.press("a"))
        for page in (by_mouse, by_key):
            await expect(question(page, "part-1")).to_have_count(0)
        await expect(settled(by_mouse, "part-1")).to_contain_text("was allowed by")
        # A click that comes late, and a second press of the key, answer nothing else.
        await by_mouse.mouse.click(*place)
        assert sorted(each.command or "" for each in await relay.waiting()) == ["make part-2", "make part-3"]
        # Who was second is told so.
        said = [page.get_by_role("region", name="Notifications") for page in (by_mouse, by_key)]
        assert sum([await each.get_by_text("Not answered").count() for each in said]) <= 1


async def test_a_diff_of_ten_thousand_lines_is_drawn_by_pieces_and_can_be_allowed(
    ada: Person, running_site: Site, relay: AgentRelay
) -> None:
    lines = "\n".join(f"value {number}" for number in range(_LINES))
    sent = await asks(relay, "Editor", f"edit src/table.txt: => {lines}")
    page = await ada.tab(f"{running_site.url}/inbox")
    card = question(page, "src/table.txt")
    diff = card.get_by_role("group", name="Diff of src/table.txt")
    await expect(diff.get_by_text("value 0", exact=True)).to_be_visible()
    await expect(diff.get_by_text("value 399", exact=True)).to_have_count(1)
    await expect(diff.get_by_text("value 400", exact=True)).to_have_count(0)
    assert await violations_in_both_themes(page) == []
    await card.get_by_role("button", name="Show 2,000 of 9,600 more rows").click()
    await expect(diff.get_by_text("value 2399", exact=True)).to_have_count(1)
    await expect(card.get_by_role("button", name="Show 2,000 of 7,600 more rows")).to_be_visible()
    await expect(card).not_to_contain_text("Too large")
    await card.get_by_role("button", name="Allow once").click()
    assert "I may run" in (await answer(relay, sent) or "")


async def test_while_the_broker_is_frozen_the_page_says_so_and_takes_no_answer(
    browser: Browser, running_site: Site, relay: AgentRelay
) -> None:
    sent = await asks(relay, "Waiter", "make thaw")
    async with person(browser) as ada:
        ada.expect_error("WebSocket|net::ERR_")
        await sign_in(ada, running_site)
        page = await ada.tab()
        await page.clock.install()  # so that twenty seconds pass in a moment
        await page.goto(f"{running_site.url}/inbox")
        allow = question(page, "make thaw").get_by_role("button", name="Allow once")
        await expect(allow).to_be_enabled()
        with frozen(running_site.broker):
            for _ in range(4):
                await page.clock.run_for(5_000)
            await expect(page.get_by_text(re.compile("Reconnecting|Connecting again"))).to_be_visible()
            await expect(allow).to_be_disabled()
            await page.keyboard.press("a")
            assert await violations_in_both_themes(page) == []
        await page.clock.run_for(20_000)
        await expect(allow).to_be_enabled()
        await expect(page.get_by_text(re.compile("Reconnecting|Connecting again"))).to_have_count(0)
        assert [each.status for each in await relay.waiting()] == ["pending"]
        await allow.click()
        assert await answer(relay, sent) == "I may run: make thaw"


async def test_a_killed_machine_is_seen_in_the_conversation_and_on_home_in_both_themes(
    ada: Person, running_site: Site, relay: AgentRelay
) -> None:
    folder = running_site.folder
    async with machine(folder, running_site.url, running_site.key_file, name="lost") as lost:
        await relay.spawn("Castaway", "demo", "sleep 600", on="lost")
        page = await ada.tab(f"{running_site.url}/session/{(await relay.session()).id}")
        agents = page.get_by_role("complementary", name="Agents")
        await expect(agents).to_contain_text("Working")
        await lost.kill()
        await expect(agents).to_contain_text("Machine offline")
        found = await violations_in_both_themes(page)
        await page.goto(running_site.url)
        await expect(page.get_by_role("table", name="Agents")).to_contain_text("Machine offline")
        assert found + await violations_in_both_themes(page) == []
        await relay.release("Castaway")


async def test_on_a_phone_the_conversation_asks_and_takes_the_answer(
    browser: Browser, running_site: Site, relay: AgentRelay
) -> None:
    sent = await asks(relay, "Roadie", "make phone")
    async with person(browser, viewport=PHONE, has_touch=True, is_mobile=True) as walker:
        await sign_in(walker, running_site, name="Walker")
        page = await walker.tab(f"{running_site.url}/session/{(await relay.session()).id}")
        await expect(question(page, "make phone")).to_be_visible()
        assert await width_of(page) == PHONE["width"]
        assert await violations_in_both_themes(page) == []
        await question(page, "make phone").get_by_role("button", name="Allow once").tap()
        await expect(question(page, "make phone")).to_have_count(0)
    assert await answer(relay, sent) == "I may run: make phone"


async def width_of(page: Page) -> int:
    """As wide as what is on it, which is to be no wider than the screen."""
    return int(await page.evaluate("document.documentElement.scrollWidth"))
