"""A session of a hundred thousand entries, read like a short one."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest_asyncio
from playwright.async_api import Browser, Error, Locator, Page, expect

from connect.sdk import AgentRelay
from tests.browser.accessibility import violations_in_both_themes
from tests.browser.conftest import sign_in
from tests.browser.site import Site
from tests.browser.tab import PHONE, Person, person
from tests.fixtures.long_session import NEEDLE, NEEDLE_AT, redis_url, unsteady_machine, write_history

_ENTRIES = 100_000
_MOST_DRAWN = 200
_MOST_TABS = 60
_NUMBERS = """box => [...box.querySelectorAll('ol > li')]
    .map(entry => /entry (\\d+) of/.exec(entry.textContent)).filter(Boolean).map(found => Number(found[1]))"""
_FIRST_IN_SIGHT = """box => {
    const top = box.getBoundingClientRect().top;
    const seen = [...box.querySelectorAll('ol > li')].find(entry => entry.getBoundingClientRect().bottom > top);
    return Number(/entry (\\d+) of/.exec(seen.textContent)[1]);
}"""

_HAS_GONE_UP = f"seen => ({_FIRST_IN_SIGHT})(document.querySelector('[aria-label=Entries]')) < seen"


@dataclass(frozen=True, slots=True, kw_only=True)
class Long:
    """The session, and when its last entry was written."""

    session: str
    relay: AgentRelay
    written_ms: int


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def long(running_site: Site) -> AsyncIterator[Long]:
    async with running_site.session("a-long-history") as relay:
        session = (await relay.session()).id
        now_ms = int(time.time() * 1000)
        url = redis_url(running_site.folder / "broker")
        await write_history(url, session, entries=_ENTRIES, until_ms=now_ms)
        yield Long(session=session, relay=relay, written_ms=now_ms)


async def _opened(ada: Person, where: Site, session: str) -> tuple[Page, Locator]:
    page = await ada.tab(f"{where.url}/session/{session}")
    box = page.get_by_role("region", name="Conversation").get_by_role("group", name="Entries")
    await expect(box.get_by_text(f"entry {_ENTRIES - 1} of a long history")).to_be_in_viewport()
    return page, box


async def test_it_opens_at_its_end_and_scrolls_without_jumping_over_anything(
    ada: Person, running_site: Site, long: Long
) -> None:
    page, box = await _opened(ada, running_site, long.session)
    await box.hover()
    before = await box.evaluate(_FIRST_IN_SIGHT)
    lowest = before - 600
    while before > lowest:
        await page.mouse.wheel(0, -700)
        await page.wait_for_function(_HAS_GONE_UP, arg=before)
        now = await box.evaluate(_FIRST_IN_SIGHT)
        # A view shows fewer than 20 of these: nothing that was not in sight before has gone by.
        assert before - 20 < now < before
        before = now
    numbers = await box.evaluate(_NUMBERS)
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    assert len(numbers) <= _MOST_DRAWN
    await page.get_by_role("button", name="Latest").click()
    await expect(box.get_by_text(f"entry {_ENTRIES - 1} of a long history")).to_be_in_viewport()


async def test_its_beginning_is_one_jump_away_and_it_is_read_on_from_there(
    ada: Person, running_site: Site, long: Long
) -> None:
    page, box = await _opened(ada, running_site, long.session)
    await page.keyboard.press("/")
    await page.get_by_label("Date and time").fill("2020-01-31T10:00:00")
    await page.get_by_role("button", name="Go to time").click()
    await expect(box.get_by_text("entry 0 of a long history")).to_be_in_viewport()
    await expect(page.get_by_role("button", name="Earlier")).to_have_count(0)
    await box.hover()
    async with asyncio.timeout(60):
        while (await box.evaluate(_FIRST_IN_SIGHT)) < 300:
            await page.mouse.wheel(0, 700)
            await page.wait_for_timeout(20)
    numbers = await box.evaluate(_NUMBERS)
    assert numbers == list(range(numbers[0], numbers[-1] + 1))


async def test_what_is_found_in_it_is_shown_where_it_was_said_and_its_link_leads_there(
    ada: Person, running_site: Site, long: Long
) -> None:
    page, box = await _opened(ada, running_site, long.session)
    await running_site.searchable(long.session, NEEDLE, lines=1)
    await page.keyboard.press("/")
    await expect(page.get_by_role("searchbox", name="Search messages and output")).to_be_focused()
    await page.keyboard.type(NEEDLE)
    await page.keyboard.press("Enter")
    await page.get_by_role("list", name="Matches").get_by_role("button").first.click()
    entry = box.get_by_role("listitem").filter(has_text=NEEDLE)
    await expect(entry).to_be_in_viewport()
    await expect(entry).to_have_attribute("aria-current", "location")
    link = await entry.get_by_role("link", name="Copy link").get_attribute("href")
    assert link is not None
    other = await ada.tab(running_site.url + link)
    shown = other.get_by_role("listitem").filter(has_text=NEEDLE)
    await expect(shown).to_be_in_viewport()
    await expect(shown).to_have_attribute("aria-current", "location")
    await expect(other.get_by_text(f"entry {NEEDLE_AT + 1} of a long history")).to_be_in_viewport()


async def test_it_is_read_and_searched_by_keyboard_alone(ada: Person, running_site: Site, long: Long) -> None:
    page, box = await _opened(ada, running_site, long.session)
    await running_site.searchable(long.session, NEEDLE, lines=1)
    for _ in range(_MOST_TABS):
        await page.keyboard.press("Tab")
        if await box.evaluate("box => box === document.activeElement"):
            break
    await expect(box).to_be_focused()
    before = await box.evaluate(_FIRST_IN_SIGHT)
    for _ in range(10):
        await page.keyboard.press("PageUp")
        await page.wait_for_function(_HAS_GONE_UP, arg=before)
        before = await box.evaluate(_FIRST_IN_SIGHT)
    await page.keyboard.press("/")
    await page.keyboard.type(NEEDLE)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("list", name="Matches").get_by_role("button")).to_have_count(1)
    await page.keyboard.press("Enter")  # once more: to the first that was found
    entry = box.get_by_role("listitem").filter(has_text=NEEDLE)
    await expect(entry).to_be_in_viewport()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("search")).to_have_count(0)
    await page.keyboard.press("Shift+G")
    await expect(box.get_by_text(f"entry {_ENTRIES - 1} of a long history")).to_be_in_viewport()


async def test_a_thousand_notices_in_a_row_are_lines_that_open_and_are_read_to_their_first(
    ada: Person, running_site: Site
) -> None:
    async with running_site.session("an-unsteady-machine") as relay:
        session = (await relay.session()).id
        url = redis_url(running_site.folder / "broker")
        now_ms = int(time.time() * 1000)
        await write_history(url, session, entries=1000, until_ms=now_ms, happens=unsteady_machine)
        page = await ada.tab(f"{running_site.url}/session/{session}")
        box = page.get_by_role("region", name="Conversation").get_by_role("group", name="Entries")
        await expect(box.get_by_text("laptop-999 went offline")).to_be_in_viewport()
        groups = box.get_by_role("button", name=re.compile(r"^\d+ notices$"))
        earlier = box.get_by_role("button", name=re.compile("^(Earlier|Loading)"))
        async with asyncio.timeout(60):
            while await earlier.count():
                with contextlib.suppress(Error):  # it was the last
                    await earlier.click(timeout=1000)
        counts = [int(words.split()[0]) for words in await groups.all_inner_texts()]
        # Few behind the last full group stand by themselves.
        assert 1000 - 3 <= sum(counts) <= 1000
        assert max(counts) <= 200
        await groups.first.click()
        await expect(box.get_by_text("laptop-0 connected")).to_be_visible()
        await box.hover()
        await page.mouse.wheel(0, 700)
        await expect(box.get_by_text("laptop-0 connected")).not_to_be_in_viewport()


async def test_a_group_of_notices_that_was_opened_stays_open_and_in_place_while_older_ones_are_read_into_it(
    ada: Person, running_site: Site
) -> None:
    async with running_site.session("a-machine-that-comes-and-goes") as relay:
        session = (await relay.session()).id
        url = redis_url(running_site.folder / "broker")
        await write_history(url, session, entries=600, until_ms=int(time.time() * 1000), happens=unsteady_machine)
        page = await ada.tab(f"{running_site.url}/session/{session}")
        box = page.get_by_role("region", name="Conversation").get_by_role("group", name="Entries")
        await expect(box.get_by_text("laptop-599 went offline")).to_be_in_viewport()
        await expect(box.get_by_role("button", name="Loading")).to_have_count(0)
        groups = re.compile(r"^\d+ notices$")
        group, opened = (
            box.get_by_role("button", name=groups).first,
            box.get_by_role("button", name=groups, expanded=True),
        )
        known = int((await group.inner_text()).split()[0])
        assert known < 200, "nothing can be read into a full group"
        await group.focus()
        await page.keyboard.press("Enter")
        words = re.search(r"laptop-\d+ \w+", await box.get_by_text("laptop-").first.inner_text())
        assert words is not None
        oldest = box.get_by_text(words.group())
        await oldest.evaluate("line => line.scrollIntoView({block: 'center'})")
        await expect(opened).not_to_have_text(f"{known} notices")
        await expect(opened).to_be_focused()
        await expect(oldest).to_be_in_viewport()


async def test_a_screen_reader_finds_its_entries_in_a_list(ada: Person, running_site: Site, long: Long) -> None:
    _, box = await _opened(ada, running_site, long.session)
    entry = box.get_by_role("list").first.get_by_role("listitem").filter(has_text=f"entry {_ENTRIES - 1} of")
    await expect(entry).to_match_aria_snapshot(f"""
        - listitem:
          - heading "Ada to Writer" [level=3]
          - button "Copy text"
          - link /Copy link to/
          - paragraph: entry {_ENTRIES - 1} of a long history
        """)


async def test_a_phone_opens_it_at_its_end_and_scrolls_it(browser: Browser, running_site: Site, long: Long) -> None:
    async with person(browser, viewport=PHONE, has_touch=True, is_mobile=True) as walker:
        await sign_in(walker, running_site, name="Walker")
        page, box = await _opened(walker, running_site, long.session)
        await box.hover()
        for _ in range(5):
            before = await box.evaluate(_FIRST_IN_SIGHT)
            await page.mouse.wheel(0, -700)
            await page.wait_for_function(_HAS_GONE_UP, arg=before)
        assert await page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
        assert await violations_in_both_themes(page) == []
        await page.get_by_role("button", name="Latest").tap()
        await expect(box.get_by_text(f"entry {_ENTRIES - 1} of a long history")).to_be_in_viewport()


async def test_what_one_sends_from_the_past_is_in_sight_and_the_next_answer_is_announced(
    ada: Person, running_site: Site, long: Long
) -> None:
    await long.relay.spawn("Writer", "demo")
    page, box = await _opened(ada, running_site, long.session)
    await page.keyboard.press("/")
    await page.get_by_label("Date and time").fill("2020-01-31T10:00:00")
    await page.get_by_role("button", name="Go to time").click()
    await expect(box.get_by_text("entry 0 of a long history")).to_be_in_viewport()
    await page.get_by_role("textbox", name="Message to").fill("say I am here")
    await page.keyboard.press("Enter")
    await expect(box.get_by_text("say I am here").last).to_be_in_viewport()
    await expect(box.get_by_text("I am here", exact=True)).to_be_in_viewport()
    await page.get_by_role("textbox", name="Message to").fill("say something new")
    await page.keyboard.press("Enter")
    told = page.get_by_role("log", name="New in the conversation")
    await expect(told).to_have_text(re.compile("something new|new entries"))
